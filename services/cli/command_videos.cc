#include <cstdio>
#include <string>

#include <nlohmann/json.hpp>

#include "libs/core/encoding.h"
#include "services/cli/api_client.h"
#include "services/cli/command_output.h"
#include "services/cli/commands.h"
#include "services/cli/progress.h"

namespace vora::cli {
namespace {

using nlohmann::json;

void PrintTable(const json& page) {
  std::printf("%-32s  %-15s  %5s  %8s  %s\n", "VIDEO", "STATE", "DONE", "LENGTH", "TITLE");
  for (const auto& video : page.value("videos", json::array())) {
    const double seconds = video.value("duration_seconds", 0.0);
    std::printf("%-32s  %-15s  %3d %%  %8s  %s\n", video.value("video_id", "").c_str(), video.value("state", "").c_str(),
                video.value("progress_percent", 0), seconds > 0 ? FormatSeconds(seconds).c_str() : "-", video.value("title", "").c_str());
  }
  if (page.value("videos", json::array()).empty()) std::printf("No videos yet. Upload one: vora upload FILE\n");
  if (const std::string next = page.value("next_page_token", ""); !next.empty())
    std::printf("More: vora list --page-token %s\n", next.c_str());
}

// Of a group: `  items=360p,720p`, and when they end how each did.
std::string ItemsOf(const json& attributes) {
  std::string items;
  for (const auto& item : attributes.value("items", json::array())) {
    items += items.empty() ? "  items=" : ",";
    if (item.is_string()) {
      items += item.get<std::string>();
    } else {
      items += item.value("name", "") + ":" + (item.contains("failure") ? item["failure"].value("code", "failed") : "done");
    }
  }
  return items;
}

void PrintHistory(const json& history) {
  if (const json run = history.value("workflow", json::object()); run.value("paused", false)) PrintPause(run);
  for (const auto& event : history.value("events", json::array())) {
    const json attributes = event.value("attributes", json::object());
    std::string what;
    for (const char* key : {"activity_id", "activity_type", "attempt", "worker_id", "timer_id", "reason"}) {
      if (attributes.contains(key))
        what += std::string(what.empty() ? "" : "  ") + key + "=" +
                (attributes[key].is_string() ? attributes[key].get<std::string>() : attributes[key].dump());
    }
    if (attributes.contains("failure")) what += "  failure=" + attributes["failure"].dump();
    what += ItemsOf(attributes);
    std::printf("%5s  %-26s %-36s %s\n", event.contains("event_id") ? event["event_id"].dump().c_str() : "",
                event.value("time", "").c_str(), event.value("type", "").c_str(), what.c_str());
  }
  for (const auto& attempt : history.value("failed_attempts", json::array())) {
    std::printf("%5s  %-26s %-36s activity_id=%s  attempt=%d  worker_id=%s  since=%s  failure=%s\n", "tried",
                attempt.value("ended_time", "").c_str(), ("ATTEMPT_" + attempt.value("outcome", "")).c_str(),
                attempt.value("activity_id", "").c_str(), attempt.value("attempt", 0), attempt.value("worker_id", "").c_str(),
                attempt.value("started_time", "").c_str(), attempt.value("failure", json::object()).dump().c_str());
  }
  for (const auto& pending : history.value("pending_activities", json::array())) {
    std::printf("  now  %-26s %-36s %s\n", "", pending.value("state", "").c_str(), pending.dump().c_str());
  }
}

}  // namespace

int RunList(const GlobalOptions& global, const ListArguments& arguments) {
  std::string path = "/v1/videos?page_size=" + std::to_string(arguments.page_size);
  if (!arguments.page_token.empty()) path += "&page_token=" + PercentEncode(arguments.page_token);
  if (!arguments.state.empty()) path += "&state=" + PercentEncode(arguments.state);
  if (!arguments.query.empty()) path += "&query=" + PercentEncode(arguments.query);
  if (!arguments.external_id.empty()) path += "&external_id=" + PercentEncode(arguments.external_id);
  for (const std::string& label : arguments.labels) path += "&label=" + PercentEncode(label);
  return CallAndPrint(global, "GET", path, PrintTable);
}

int RunShow(const GlobalOptions& global, const std::string& video_id) {
  return CallAndPrint(global, "GET", VideoPath(video_id), PrintVideo);
}

int RunWatch(const GlobalOptions& global, const std::string& video_id) { return FollowVideo(global, PercentEncode(video_id)); }

int RunPlayUrl(const GlobalOptions& global, const std::string& video_id, const std::string& kind) {
  ApiClient api(global.server, global.token);
  const auto video = api.Call("GET", VideoPath(video_id));
  if (!video.ok()) return ReportError(global, video.status());
  const bool is_part = kind == "mp4";
  std::string url = is_part ? PartUrl(*video, kind) : video->value(kind + "_url", "");
  if (is_part && url.empty()) {
    return ReportError(global, FailedPrecondition("the video has no mp4 file: it is " + video->value("state", "?") + ", of the ladder " +
                                                  video->value("ladder", "?") + ". Ladders with \"mp4\": true make one, as archive does"));
  }
  if (url.empty() || !video->value("playable", false)) {
    return ReportError(global, FailedPrecondition("the video cannot be played yet: it is " + video->value("state", "?") +
                                                  ". Follow it with: vora watch " + video_id));
  }
  const auto link = api.Call("POST", VideoPath(video_id) + "/playback-tokens");
  if (!link.ok()) return ReportError(global, link.status());
  // With tokens on the base holds one in its path: the plain address would be refused.
  if (link->at("token").is_string() && kind != "watch") url = link->value("base_url", "") + url.substr(url.rfind('/') + 1);
  if (global.json) {
    PrintJson({{"url", url}});
  } else {
    std::printf("%s\n", url.c_str());
  }
  return 0;
}

int RunCancel(const GlobalOptions& global, const std::string& video_id) {
  return CallAndPrint(global, "POST", VideoPath(video_id) + "/cancel", [](const json&) { std::printf("Cancelled.\n"); });
}

int RunRetry(const GlobalOptions& global, const std::string& video_id, bool wait) {
  const int code =
      CallAndPrint(global, "POST", VideoPath(video_id) + "/retry", [](const json&) { std::printf("Processing again what is missing.\n"); });
  return code == 0 && wait ? FollowVideo(global, PercentEncode(video_id)) : code;
}

int RunDelete(const GlobalOptions& global, const std::string& video_id) {
  return CallAndPrint(global, "DELETE", VideoPath(video_id), [](const json&) { std::printf("Deleted.\n"); });
}

int RunHistory(const GlobalOptions& global, const std::string& video_id) {
  return CallAndPrint(global, "GET", VideoPath(video_id) + "/history", PrintHistory);
}

}  // namespace vora::cli
