#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "libs/core/encoding.h"
#include "libs/core/ids.h"
#include "libs/run/retry.h"
#include "services/cli/api_client.h"
#include "services/cli/command_output.h"
#include "services/cli/commands.h"
#include "services/cli/progress.h"

namespace vora::cli {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kScanPoll{500};

bool IsUrl(const std::string& text) { return text.starts_with("http://") || text.starts_with("https://"); }

// The source that is meant where none is named.
StatusOr<std::string> OnlySource(ApiClient& api) {
  VORA_ASSIGN_OR_RETURN(const json answer, api.Call("GET", "/v1/sources"));
  const json sources = answer.value("sources", json::array());
  if (sources.size() == 1) return sources[0].value("name", "");
  if (sources.empty()) return FailedPrecondition("there are no sources: VORA_SOURCES of the metadata daemon names them");
  return InvalidArgument("there are several sources: name one with --source; `vora sources` lists them");
}

void PrintSources(const json& answer) {
  std::printf("%-20s  %-6s  %-8s  %-40s  %s\n", "SOURCE", "FILES", "WATCHED", "LOCATION", "STATE");
  for (const auto& source : answer.value("sources", json::array())) {
    const double watch = source.value("watch_seconds", 0.0);
    const std::string problem = source.value("problem", "");
    std::printf("%-20s  %-6s  %-8s  %-40s  %s\n", source.value("name", "").c_str(), source.value("copied", true) ? "copied" : "direct",
                watch > 0 ? FormatSeconds(watch).c_str() : "-", source.value("location", "").c_str(),
                problem.empty() ? "ok" : problem.c_str());
  }
  if (answer.value("sources", json::array()).empty()) std::printf("No sources: VORA_SOURCES of the metadata daemon names them.\n");
}

std::string CountsOf(const json& scan) {
  const auto number = [&](const char* key) { return std::to_string(scan.value(key, int64_t{0})); };
  return number("found") + " found, " + number("registered") + " registered, " + number("skipped") + " skipped, " + number("failed") +
         " failed";
}

void PrintScan(const json& scan) {
  std::printf("%s\n", CountsOf(scan).c_str());
  for (const auto& reason : scan.value("reasons", json::array())) {
    std::printf("  %-8s %7lld  %s\n", reason.value("outcome", "").c_str(), static_cast<long long>(reason.value("files", int64_t{0})),
                reason.value("reason", "").c_str());
  }
}

Status PrintFailedFiles(ApiClient& api, const std::string& path) {
  std::string token;
  do {
    VORA_ASSIGN_OR_RETURN(const json page, api.Call("GET", path + "/files?outcome=failed&page_size=200" +
                                                               (token.empty() ? "" : "&page_token=" + PercentEncode(token))));
    for (const auto& file : page.value("files", json::array()))
      std::printf("  %s: %s\n", file.value("key", "").c_str(), file.value("reason", "").c_str());
    token = page.value("next_page_token", "");
  } while (!token.empty() && !Interrupted());
  return absl::OkStatus();
}

// To its end, or until somebody has seen enough.
StatusOr<json> FollowScan(const GlobalOptions& global, ApiClient& api, const std::string& path, json scan) {
  ProgressView view(global.json);
  while (scan.value("state", "") == "RUNNING") {
    const std::string problem = scan.value("problem", "");
    std::vector<std::string> lines = {"  scan      " + CountsOf(scan)};
    if (!problem.empty()) lines.push_back("            waits: " + problem);
    view.Show(lines, std::to_string(scan.value("found", int64_t{0}) / 10'000) + problem);
    if (Interrupted()) return Cancelled("interrupted");
    std::this_thread::sleep_for(kScanPoll);
    const auto now = api.Call("GET", path);
    // A server that is away for a moment does not end the scan.
    if (!now.ok() && !IsTransient(now.status())) return now.status();
    if (now.ok()) scan = *now;
  }
  return scan;
}

}  // namespace

int RunImport(const GlobalOptions& global, const ImportArguments& arguments) {
  ApiClient api(global.server, global.token);
  // Of its own: the request can be sent again without making a second video.
  json request{{"request_id", NewId()}};
  if (IsUrl(arguments.what)) {
    if (!arguments.source.empty()) return ReportError(global, InvalidArgument("--source is for files of a source; this is a URL"));
    request["source"] = {{"url", arguments.what}};
  } else {
    auto source = arguments.source.empty() ? OnlySource(api) : StatusOr<std::string>(arguments.source);
    if (!source.ok()) return ReportError(global, source.status());
    request["source"] = {{"name", *source}, {"key", arguments.what}};
  }
  if (const Status added = AddFields(arguments.fields, request); !added.ok()) return ReportError(global, added);
  json video;
  const Status made = RetryIdempotent(
      {.max_attempts = 5, .initial = std::chrono::milliseconds(300), .max = std::chrono::milliseconds(5000)},
      [&] {
        auto answer = api.Call("POST", "/v1/videos", request);
        if (answer.ok()) video = *answer;
        return answer.status();
      },
      Interrupted);
  if (!made.ok()) return ReportError(global, made);
  const std::string video_id = video.value("video_id", "");
  if (global.json) {
    PrintJson(video);
  } else {
    std::printf("Video %s\n", video_id.c_str());
    std::fflush(stdout);
  }
  return arguments.wait ? FollowVideo(global, video_id) : 0;
}

int RunSources(const GlobalOptions& global) { return CallAndPrint(global, "GET", "/v1/sources", PrintSources); }

int RunScan(const GlobalOptions& global, const ScanArguments& arguments) {
  ApiClient api(global.server, global.token);
  const std::string source = "/v1/sources/" + PercentEncode(arguments.source);
  const auto begun = api.Call("POST", source + ":scan");
  if (!begun.ok()) return ReportError(global, begun.status());
  json scan = *begun;
  const std::string path = source + "/scans/" + scan.value("scan_id", "");
  if (arguments.wait) {
    auto ended = FollowScan(global, api, path, scan);
    if (!ended.ok()) {
      if (Interrupted() && !global.json) std::fprintf(stderr, "\nStopped watching; the scan goes on.\n");
      return ReportError(global, ended.status());
    }
    scan = *std::move(ended);
  }
  if (global.json) {
    PrintJson(scan);
  } else {
    PrintScan(scan);
    if (arguments.files) {
      if (const Status named = PrintFailedFiles(api, path); !named.ok()) return ReportError(global, named);
    }
  }
  const std::string state = scan.value("state", "");
  if (state == "FAILED" || state == "CANCELLED") {
    return ReportError(global, FailedPrecondition("the scan is " + state + (state == "FAILED" ? ": " + scan.value("problem", "") : "")));
  }
  return 0;
}

}  // namespace vora::cli
