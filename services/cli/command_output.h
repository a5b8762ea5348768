#pragma once

// How commands say what came of them.

#include <nlohmann/json_fwd.hpp>

#include "libs/core/status.h"
#include "services/cli/commands.h"

namespace vora::cli {

// Says on stderr (as JSON with --json) what failed; returns the exit code.
int ReportError(const GlobalOptions& global, const Status& status);
void PrintJson(const nlohmann::json& value);
// A video for people: title, states, links.
void PrintVideo(const nlohmann::json& video);
// Follows the video until it needs no more waiting; 0 when READY.
int FollowVideo(const GlobalOptions& global, const std::string& video_id);

}  // namespace vora::cli
