#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

#include <nlohmann/json.hpp>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/labels.h"
#include "libs/run/retry.h"
#include "services/cli/api_client.h"
#include "services/cli/command_output.h"
#include "services/cli/commands.h"
#include "services/cli/progress.h"
#include "services/cli/tus_client.h"

namespace vora::cli {
namespace {

constexpr size_t kHashBlock = 1 << 20;

StatusOr<std::string> HashFile(const FileIdentity& file, ProgressView& view) {
  std::ifstream in(file.path, std::ios::binary);
  if (!in) return InvalidArgument(file.path.string() + ": cannot be read");
  Sha256State state;
  std::vector<char> block(kHashBlock);
  int64_t done = 0;
  while (in) {
    if (Interrupted()) return Cancelled("interrupted");
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    state.Update({block.data(), static_cast<size_t>(in.gcount())});
    done += in.gcount();
    const int percent = file.size > 0 ? static_cast<int>(done * 100 / file.size) : 100;
    view.Show({"  checksum  " + Bar(percent, 24)}, "checksum");
  }
  return HexEncode(state.Finish());
}

void ShowTransfer(ProgressView& view, TransferRate& rate, int64_t sent, int64_t total) {
  rate.Update(sent);
  const int percent = total > 0 ? static_cast<int>(sent * 100 / total) : 100;
  std::string line =
      "  upload    " + Bar(percent, 24) + "  " + FormatBytes(static_cast<double>(sent)) + " of " + FormatBytes(static_cast<double>(total));
  if (rate.bytes_per_second() > 0) {
    line += "  " + FormatBytes(rate.bytes_per_second()) + "/s  " +
            FormatSeconds(static_cast<double>(total - sent) / rate.bytes_per_second()) + " left";
  }
  view.Show({line}, "upload" + std::to_string(percent / 10));
}

// As Upload-Metadata of tus.
Status AddMetadata(const VideoFields& fields, std::map<std::string, std::string>& metadata) {
  if (!fields.title.empty()) metadata["title"] = fields.title;
  if (!fields.description.empty()) metadata["description"] = fields.description;
  if (!fields.external_id.empty()) metadata[std::string(kExternalIdKey)] = fields.external_id;
  if (!fields.ladder.empty()) metadata["ladder"] = fields.ladder;
  if (fields.priority) metadata["priority"] = std::to_string(*fields.priority);
  for (const std::string& text : fields.labels) {
    VORA_ASSIGN_OR_RETURN(const auto label, ParseLabel(text));
    metadata[std::string(kLabelPrefix) + label.first] = label.second;
  }
  return absl::OkStatus();
}

StatusOr<UploadResult> Transfer(const GlobalOptions& global, const UploadArguments& arguments) {
  VORA_ASSIGN_OR_RETURN(const FileIdentity file, IdentifyFile(arguments.file));
  ProgressView view(global.json);
  view.Line("Uploading " + file.path.string() + " (" + FormatBytes(static_cast<double>(file.size)) + ")");
  UploadOptions options;
  options.token = global.token;
  options.endpoint = global.upload_url.ends_with('/') ? global.upload_url : global.upload_url + '/';
  options.max_bytes_per_second = arguments.max_rate;
  options.metadata["filename"] = file.path.filename().string();
  VORA_RETURN_IF_ERROR(AddMetadata(arguments.fields, options.metadata));
  if (arguments.checksum) {
    VORA_ASSIGN_OR_RETURN(options.metadata["sha256"], HashFile(file, view));
  }
  TransferRate rate;
  options.on_progress = [&](int64_t sent, int64_t total) { ShowTransfer(view, rate, sent, total); };
  options.on_resume = [&](const std::string& reason, int64_t offset) {
    view.Line("  " + reason + ": going on at " + FormatBytes(static_cast<double>(offset)));
  };
  options.cancelled = Interrupted;
  return TusClient(ResumeStore::ForUser()).Upload(file, options);
}

}  // namespace

int RunUpload(const GlobalOptions& global, const UploadArguments& arguments) {
  ApiClient api(global.server, global.token);
  if (!arguments.fields.ladder.empty()) {
    // Better said now than after the last byte.
    const auto ladder = api.Call("GET", "/v1/ladders/" + PercentEncode(arguments.fields.ladder));
    if (!ladder.ok()) return ReportError(global, ladder.status());
  }
  const auto uploaded = Transfer(global, arguments);
  if (!uploaded.ok()) {
    if (Interrupted() && !global.json) std::fprintf(stderr, "\nInterrupted. The same command goes on where it stopped.\n");
    return ReportError(global, uploaded.status());
  }
  nlohmann::json request{{"upload_id", uploaded->upload_id}};
  if (const Status added = AddFields(arguments.fields, request); !added.ok()) return ReportError(global, added);
  nlohmann::json video;
  const Status created = RetryIdempotent(
      {.max_attempts = 10, .initial = std::chrono::milliseconds(300), .max = std::chrono::milliseconds(5000)},
      [&] {
        auto answer = api.Call("POST", "/v1/videos", request);
        if (answer.ok()) video = *answer;
        return answer.status();
      },
      Interrupted);
  if (!created.ok()) return ReportError(global, created);
  const std::string video_id = video.value("video_id", "");
  if (global.json) {
    video["resumed_from"] = uploaded->resumed_from;
    PrintJson(video);
  } else {
    std::printf("Video %s\n", video_id.c_str());
    std::fflush(stdout);
  }
  return arguments.wait ? FollowVideo(global, video_id) : 0;
}

}  // namespace vora::cli
