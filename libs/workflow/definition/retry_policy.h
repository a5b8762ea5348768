#pragma once

// What follows a failed attempt. Pure.

#include <cstdint>
#include <optional>
#include <string>

#include "vora/workflow/v1/workflow.pb.h"

namespace vora::workflow {

// Microseconds of a protobuf duration; 0 for none or a negative one.
int64_t ToMicros(const google::protobuf::Duration& duration);

// True when `code` is named by the policy: exactly, or by a prefix ending in `.*`.
bool IsNonRetryable(const v1::RetryPolicy& policy, const v1::Failure& failure);

// The pause before the next attempt in microseconds, after the failure number `failures` (from 1): `asked_us`, what the one that failed
// asks for, else initial x coefficient^(failures - 1), at most the maximum. Nothing when there must not be another attempt: a
// non-retryable failure, the attempts are used up, or the next one would begin after `deadline_us` (schedule-to-close).
std::optional<int64_t> NextAttemptDelay(const v1::RetryPolicy& policy, int failures, const v1::Failure& failure, int64_t now_us,
                                        std::optional<int64_t> deadline_us, std::optional<int64_t> asked_us = {});

// The same after an attempt was lost with its worker for the `losses`th time (from 1): at once at first, since another worker may be well,
// then as after failures. They have a limit of their own, so that what kills every worker ends.
std::optional<int64_t> DelayAfterLoss(const v1::RetryPolicy& policy, int losses, int64_t now_us, std::optional<int64_t> deadline_us);

}  // namespace vora::workflow
