#pragma once

// How commands say what came of them.

#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "libs/core/status.h"
#include "services/cli/commands.h"

namespace vora::cli {

// Says on stderr (as JSON with --json) what failed; returns the exit code.
int ReportError(const GlobalOptions& global, const Status& status);
void PrintJson(const nlohmann::json& value);
// A video for people: title, states, links.
void PrintVideo(const nlohmann::json& video);
// Of what there is beside its tracks: empty when there is none of this name.
std::string PartUrl(const nlohmann::json& video, const std::string& name);
// Follows the video until it needs no more waiting; 0 when READY.
int FollowVideo(const GlobalOptions& global, const std::string& video_id);

// One call; with --json its answer, else `print`. The exit code.
int CallAndPrint(const GlobalOptions& global, const std::string& method, const std::string& path,
                 const std::function<void(const nlohmann::json&)>& print, const nlohmann::json& body = nullptr);
// Adds what is given, as REST takes it. INVALID_ARGUMENT: a label that is not key=value.
Status AddFields(const VideoFields& fields, nlohmann::json& request);
std::string VideoPath(const std::string& video_id);
// Since when, by whom and why, of a workflow run.
void PrintPause(const nlohmann::json& run);

}  // namespace vora::cli
