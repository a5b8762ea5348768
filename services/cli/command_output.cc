#include "services/cli/command_output.h"

#include <csignal>
#include <cstdio>
#include <string>

#include <nlohmann/json.hpp>

#include "libs/core/encoding.h"
#include "libs/core/labels.h"
#include "services/cli/api_client.h"
#include "services/cli/progress.h"

namespace vora::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

constexpr int kInterruptedExit = 130;

bool IsFinal(const std::string& state) { return state == "READY" || state == "FAILED" || state == "CANCELLED"; }

}  // namespace

void CatchInterrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // a second Ctrl-C ends at once
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool Interrupted() { return interrupted != 0; }

void PrintJson(const nlohmann::json& value) {
  std::printf("%s\n", value.dump().c_str());
  std::fflush(stdout);
}

int ReportError(const GlobalOptions& global, const Status& status) {
  if (status.code() == StatusCode::kCancelled && Interrupted()) return kInterruptedExit;
  if (global.json) {
    std::fprintf(
        stderr, "%s\n",
        nlohmann::json{{"error", {{"code", absl::StatusCodeToString(status.code())}, {"message", Message(status)}}}}.dump().c_str());
  } else {
    std::fprintf(stderr, "vora: %s\n", Message(status).c_str());
  }
  return 1;
}

void PrintVideo(const nlohmann::json& video) {
  const auto text = [&](const char* key) { return video.value(key, std::string()); };
  std::printf("%s  %s\n", text("video_id").c_str(), text("title").c_str());
  for (const auto& line : RenderVideo(video)) std::printf("%s\n", line.c_str());
  if (const double seconds = video.value("duration_seconds", 0.0); seconds > 0)
    std::printf("  length   %s\n", FormatSeconds(seconds).c_str());
  if (!text("external_id").empty()) std::printf("  external %s\n", text("external_id").c_str());
  if (!text("ladder").empty()) std::printf("  ladder   %s, version %d\n", text("ladder").c_str(), video.value("ladder_version", 0));
  const nlohmann::json labels = video.value("labels", nlohmann::json::object());
  for (const auto& [key, value] : labels.items()) std::printf("  label    %s=%s\n", key.c_str(), value.get<std::string>().c_str());
  if (!text("failure").empty()) std::printf("  failure  %s (%s)\n", text("failure").c_str(), text("failure_code").c_str());
  for (const auto& warning : video.value("warnings", nlohmann::json::array()))
    std::printf("  warning  %s\n", warning.get<std::string>().c_str());
  for (const char* key : {"watch_url", "hls_url", "dash_url"}) {
    if (!text(key).empty()) std::printf("  %-8.*s %s\n", static_cast<int>(std::string(key).find('_')), key, text(key).c_str());
  }
  if (const std::string mp4 = PartUrl(video, "mp4"); !mp4.empty()) std::printf("  mp4      %s\n", mp4.c_str());
}

std::string PartUrl(const nlohmann::json& video, const std::string& name) {
  for (const auto& part : video.value("parts", nlohmann::json::array())) {
    if (part.value("name", "") == name) return part.value("url", "");
  }
  return "";
}

int CallAndPrint(const GlobalOptions& global, const std::string& method, const std::string& path,
                 const std::function<void(const nlohmann::json&)>& print, const nlohmann::json& body) {
  ApiClient api(global.server, global.token);
  const auto answer = api.Call(method, path, body);
  if (!answer.ok()) return ReportError(global, answer.status());
  if (global.json) {
    PrintJson(*answer);
  } else {
    print(*answer);
  }
  return 0;
}

Status AddFields(const VideoFields& fields, nlohmann::json& request) {
  if (!fields.title.empty()) request["title"] = fields.title;
  if (!fields.description.empty()) request["description"] = fields.description;
  if (!fields.external_id.empty()) request["external_id"] = fields.external_id;
  if (!fields.ladder.empty()) request["ladder"] = fields.ladder;
  if (fields.priority) request["priority"] = *fields.priority;
  for (const std::string& text : fields.labels) {
    VORA_ASSIGN_OR_RETURN(const auto label, ParseLabel(text));
    request["labels"][label.first] = label.second;
  }
  return absl::OkStatus();
}

std::string VideoPath(const std::string& video_id) { return "/v1/videos/" + PercentEncode(video_id); }

void PrintPause(const nlohmann::json& run) {
  const auto text = [&](const char* key) { return run.value(key, std::string()); };
  std::printf("Paused since %s%s%s%s%s.\n", text("paused_time").c_str(), text("paused_by").empty() ? "" : " by ", text("paused_by").c_str(),
              text("pause_reason").empty() ? "" : ": ", text("pause_reason").c_str());
}

int FollowVideo(const GlobalOptions& global, const std::string& video_id) {
  ApiClient api(global.server, global.token);
  nlohmann::json last;
  Status status;
  {
    // The view ends before anything else is printed, so that its last block stays.
    ProgressView view(global.json);
    status = api.Watch(
        video_id,
        [&](const nlohmann::json& video) {
          last = video;
          if (global.json) {
            PrintJson(video);
          } else {
            view.Show(RenderVideo(video), video.value("state", "") + std::to_string(video.value("progress_percent", 0) / 10));
          }
          return !IsFinal(video.value("state", ""));
        },
        Interrupted);
  }
  if (!status.ok()) {
    if (Interrupted() && !global.json)
      std::fprintf(stderr, "\nStopped watching; processing goes on. See it with: vora watch %s\n", video_id.c_str());
    return ReportError(global, status);
  }
  const std::string state = last.value("state", "");
  if (state == "READY") {
    if (!global.json) std::printf("Ready. Watch it at %s\n", last.value("watch_url", "").c_str());
    return 0;
  }
  if (!global.json) {
    std::fprintf(stderr, "vora: the video is %s%s%s\n", state.c_str(), last.value("failure", "").empty() ? "" : ": ",
                 last.value("failure", "").c_str());
  }
  return 1;
}

}  // namespace vora::cli
