#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include <nlohmann/json.hpp>

#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "services/cli/api_client.h"
#include "services/cli/command_output.h"
#include "services/cli/commands.h"
#include "services/cli/progress.h"

namespace vora::cli {
namespace {

using nlohmann::json;

std::string LadderPath(const std::string& name) { return "/v1/ladders/" + PercentEncode(name); }

std::string RungNames(const json& ladder) {
  std::string names;
  for (const auto& rung : ladder.value("rungs", json::array())) names += (names.empty() ? "" : " ") + rung.value("name", "");
  if (names.empty()) names = "sound only";
  return names + (ladder.value("mp4", false) ? ", and an mp4 file" : "");
}

std::string OriginOf(const json& ladder) {
  const std::string origin = ladder.value("origin", "");
  return origin == "OWN" ? "own" : origin == "SHIPPED" ? "shipped" : "installation";
}

void PrintWarnings(const json& shown) {
  for (const auto& warning : shown.value("warnings", json::array())) std::printf("warning: %s\n", warning.get<std::string>().c_str());
}

void PrintLadders(const json& answer) {
  std::printf("%-24s  %7s  %-12s  %s\n", "LADDER", "VERSION", "FROM", "RENDITIONS");
  for (const auto& ladder : answer.value("ladders", json::array())) {
    std::printf("%-24s  %7d  %-12s  %s%s\n", (ladder.value("name", "") + (ladder.value("is_default", false) ? " (default)" : "")).c_str(),
                ladder.value("version", 0), OriginOf(ladder).c_str(), RungNames(ladder).c_str(),
                ladder.value("warnings", json::array()).empty() ? "" : "  (see: vora ladders show)");
  }
}

void PrintStored(const json& ladder) {
  std::printf("Ladder %s, version %d%s: %s\n", ladder.value("name", "").c_str(), ladder.value("version", 0),
              ladder.value("is_default", false) ? ", the default" : "", RungNames(ladder).c_str());
  PrintWarnings(ladder);
}

void PrintPreview(const json& preview) {
  std::printf("%-12s  %-11s  %10s  %-16s  %9s\n", "RENDITION", "PICTURE", "UP TO", "CODEC", "AT MOST");
  for (const auto& track : preview.value("tracks", json::array())) {
    const std::string size = std::to_string(track.value("width", 0)) + "x" + std::to_string(track.value("height", 0));
    std::printf("%-12s  %-11s  %5lld kb/s  %-16s  %9s\n", track.value("name", "").c_str(),
                track.value("kind", "") == "audio" ? "-" : size.c_str(), static_cast<long long>(track.value("max_bitrate", 0LL) / 1000),
                track.value("codecs", "").c_str(), FormatBytes(track.value("max_bytes", 0.0)).c_str());
  }
  std::printf("At most %s in all; pictures that change little take much less.\n", FormatBytes(preview.value("max_bytes", 0.0)).c_str());
  if (const double mp4 = preview.value("mp4_max_bytes", 0.0); mp4 > 0)
    std::printf("And an mp4 file of at most %s.\n", FormatBytes(mp4).c_str());
  for (const auto& name : preview.value("left_out", json::array()))
    std::printf("left out: %s would enlarge the picture\n", name.get<std::string>().c_str());
  PrintWarnings(preview);
}

StatusOr<json> ReadLadder(const std::string& file) {
  std::string text;
  if (file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    std::ifstream in(file);
    if (!in) return InvalidField("FILE", "cannot read " + file);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  json ladder = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!ladder.is_object()) return InvalidField("FILE", file + " is no JSON object");
  return ladder;
}

}  // namespace

int RunLadders(const GlobalOptions& global) { return CallAndPrint(global, "GET", "/v1/ladders", PrintLadders); }

int RunShowLadder(const GlobalOptions& global, const LadderArguments& arguments) {
  const std::string version = arguments.version > 0 ? "?version=" + std::to_string(arguments.version) : "";
  return CallAndPrint(global, "GET", LadderPath(arguments.name) + version,
                      [](const json& ladder) { std::printf("%s\n", ladder.dump(2).c_str()); });
}

int RunPutLadder(const GlobalOptions& global, const LadderArguments& arguments) {
  auto ladder = ReadLadder(arguments.file);
  if (!ladder.ok()) return ReportError(global, ladder.status());
  // A file that was shown under one name may be put under another, which has versions of its own.
  if (ladder->value("name", "") != arguments.name) ladder->erase("version");
  ladder->erase("name");
  return CallAndPrint(global, "PUT", LadderPath(arguments.name), PrintStored, *ladder);
}

int RunDeleteLadder(const GlobalOptions& global, const std::string& name) {
  return CallAndPrint(global, "DELETE", LadderPath(name), [&](const json&) { std::printf("Deleted ladder %s.\n", name.c_str()); });
}

int RunDefaultLadder(const GlobalOptions& global, const std::string& name) {
  return CallAndPrint(global, "POST", LadderPath(name) + ":default", PrintStored);
}

int RunPreviewLadder(const GlobalOptions& global, const LadderArguments& arguments) {
  json request{{"name", arguments.name}};
  if (!arguments.video_id.empty()) {
    request["video_id"] = arguments.video_id;
  } else {
    request["source"] = {{"width", arguments.width},
                         {"height", arguments.height},
                         {"frame_rate", arguments.frame_rate},
                         {"duration_seconds", arguments.seconds},
                         {"silent", arguments.silent}};
  }
  return CallAndPrint(global, "POST", "/v1/ladders:preview", PrintPreview, request);
}

}  // namespace vora::cli
