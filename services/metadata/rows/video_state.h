#pragma once

// The state machines of videos and renditions: one transition table each. Every write of a state goes through
// CheckTransition inside the transaction that makes it.

#include <optional>
#include <string_view>

#include "libs/core/status.h"
#include "vora/metadata/v1/metadata.pb.h"

namespace vora::metadata {

bool IsAllowed(v1::VideoState from, v1::VideoState to);
bool IsAllowed(v1::RenditionState from, v1::RenditionState to);

// True: a change. False: `to` is where it is already. FAILED_PRECONDITION: not a legal transition.
StatusOr<bool> CheckTransition(v1::VideoState from, v1::VideoState to);
StatusOr<bool> CheckTransition(v1::RenditionState from, v1::RenditionState to);

// READY, FAILED or CANCELLED: nothing more happens without a request.
bool IsFinal(v1::VideoState state);
// DONE or FAILED.
bool IsFinal(v1::RenditionState state);

// Without the enum's prefix: "PARTIALLY_READY".
std::string_view StateName(v1::VideoState state);
std::string_view StateName(v1::RenditionState state);
// nullopt: no such state. UNSPECIFIED is none.
std::optional<v1::VideoState> ParseVideoState(std::string_view name);
std::optional<v1::RenditionState> ParseRenditionState(std::string_view name);

}  // namespace vora::metadata
