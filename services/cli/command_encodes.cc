#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "libs/run/retry.h"
#include "services/cli/api_client.h"
#include "services/cli/command_output.h"
#include "services/cli/commands.h"
#include "services/cli/progress.h"

namespace vora::cli {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kEncodePoll{500};

bool IsUnderWay(const json& encode) {
  const std::string state = encode.value("state", "");
  return state == "CREATED" || state == "PROCESSING" || state == "PARTIALLY_READY";
}

void PrintEncodes(const json& answer) {
  std::printf("%6s  %-24s  %-15s  %s\n", "NUMBER", "LADDER", "STATE", "CREATED");
  for (const auto& encode : answer.value("encodes", json::array())) {
    std::printf("%6d  %-24s  %-15s  %s%s%s\n", encode.value("revision", 0), encode.value("ladder", "").c_str(),
                encode.value("state", "").c_str(), encode.value("created_at", "").c_str(), encode.value("failure", "").empty() ? "" : "  ",
                encode.value("failure", "").c_str());
  }
}

StatusOr<json> FollowEncode(const GlobalOptions& global, ApiClient& api, const std::string& path, json encode) {
  ProgressView view(global.json);
  const int revision = encode.value("revision", 0);
  while (IsUnderWay(encode)) {
    view.Show(RenderVideo(encode), encode.value("state", "") + std::to_string(encode.value("progress_percent", 0) / 10));
    if (Interrupted()) return Cancelled("interrupted");
    std::this_thread::sleep_for(kEncodePoll);
    const auto answer = api.Call("GET", path);
    // A server that is away for a moment does not end the encode.
    if (!answer.ok() && !IsTransient(answer.status())) return answer.status();
    if (!answer.ok()) continue;
    for (const auto& one : answer->value("encodes", json::array())) {
      if (one.value("revision", 0) == revision) encode = one;
    }
  }
  view.Show(RenderVideo(encode), encode.value("state", ""));
  return encode;
}

}  // namespace

int RunEncode(const GlobalOptions& global, const std::string& video_id, const std::string& ladder, bool wait) {
  ApiClient api(global.server, global.token);
  const std::string path = VideoPath(video_id) + "/encodes";
  json request = json::object();
  if (!ladder.empty()) request["ladder"] = ladder;
  auto encode = api.Call("POST", path, request);
  if (encode.ok() && wait) encode = FollowEncode(global, api, path, *std::move(encode));
  if (!encode.ok()) {
    if (Interrupted() && !global.json)
      std::fprintf(stderr, "\nStopped watching; the encode goes on. See it with: vora encodes %s\n", video_id.c_str());
    return ReportError(global, encode.status());
  }
  const std::string state = encode->value("state", "");
  if (global.json) {
    PrintJson(*encode);
  } else if (!wait) {
    std::printf("Encode %d of the video has begun.\n", encode->value("revision", 0));
  } else if (state == "READY") {
    std::printf("Ready. Players get it from now on.\n");
  }
  if (!wait || state == "READY") return 0;
  if (!global.json) std::fprintf(stderr, "vora: the encode is %s: %s\n", state.c_str(), encode->value("failure", "").c_str());
  return 1;
}

int RunEncodes(const GlobalOptions& global, const std::string& video_id) {
  return CallAndPrint(global, "GET", VideoPath(video_id) + "/encodes", PrintEncodes);
}

int RunCancelEncode(const GlobalOptions& global, const std::string& video_id, int revision) {
  return CallAndPrint(global, "POST", VideoPath(video_id) + "/encodes/" + std::to_string(revision) + ":cancel",
                      [](const json&) { std::printf("It is being stopped; the video stays as it was.\n"); });
}

}  // namespace vora::cli
