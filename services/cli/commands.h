#pragma once

// The commands of `vora`. Each returns the exit code: 0 done, 1 failed (a message is on stderr), 130 interrupted.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vora::cli {

struct GlobalOptions {
  std::string server;      // base URL of the edge
  std::string upload_url;  // tus endpoint
  std::string token;       // shown to both; empty: none
  bool json = false;       // machine-readable results on stdout
};

// What is said of a video when it is made; empty or absent: nothing.
struct VideoFields {
  std::string title, description, external_id, ladder;
  std::vector<std::string> labels;  // key=value
  std::optional<int> priority;
};

struct UploadArguments {
  std::string file;
  VideoFields fields;
  bool wait = true;      // follow until READY
  bool checksum = true;  // send the file's sha256, to be verified at the end
  int64_t max_rate = 0;  // bytes/s; 0: no limit
};

struct ImportArguments {
  std::string what;    // a URL, or the key of a file in `source`
  std::string source;  // its name; empty: the only one there is
  VideoFields fields;
  bool wait = true;  // follow until READY
};

struct ScanArguments {
  std::string source;
  bool wait = true;    // follow to the end
  bool files = false;  // name what failed
};

struct LadderArguments {
  std::string name;
  std::string file;      // JSON; -: standard input
  int version = 0;       // 0: the newest
  std::string video_id;  // to preview, or what a file would be like
  int width = 1920, height = 1080;
  double frame_rate = 30, seconds = 600;
  bool silent = false;
};

// What operators set for a queue or a tenant; what is not given stays.
struct SettingsArguments {
  std::string name;
  bool pause = false, resume = false, reset = false;
  std::optional<double> weight;       // of a tenant
  std::optional<int> retention_days;  // of a tenant
  std::optional<int> max_running;
  std::optional<double> max_starts_per_second;
};

struct ListArguments {
  int page_size = 20;
  std::string page_token, state, query, external_id;
  std::vector<std::string> labels;  // key=value, all of which it has
};

struct CopyArguments {
  std::string from, to;  // as VORA_STORAGE; their keys are VORA_S3_FROM_... and VORA_S3_TO_..., else VORA_S3_...
  std::string root;      // raw or processed; empty: both
  bool verify = false, dry_run = false, without_unfinished = false, overwrite = false, remove = false, allow_empty = false;
  int jobs = 8;
};

int RunUpload(const GlobalOptions& global, const UploadArguments& arguments);
int RunImport(const GlobalOptions& global, const ImportArguments& arguments);
int RunSources(const GlobalOptions& global);
int RunScan(const GlobalOptions& global, const ScanArguments& arguments);
int RunLadders(const GlobalOptions& global);
int RunShowLadder(const GlobalOptions& global, const LadderArguments& arguments);
int RunPutLadder(const GlobalOptions& global, const LadderArguments& arguments);
int RunDeleteLadder(const GlobalOptions& global, const std::string& name);
int RunDefaultLadder(const GlobalOptions& global, const std::string& name);
int RunPreviewLadder(const GlobalOptions& global, const LadderArguments& arguments);
int RunList(const GlobalOptions& global, const ListArguments& arguments);
int RunShow(const GlobalOptions& global, const std::string& video_id);
int RunWatch(const GlobalOptions& global, const std::string& video_id);
int RunPlayUrl(const GlobalOptions& global, const std::string& video_id, const std::string& kind);  // hls, dash or watch
int RunCancel(const GlobalOptions& global, const std::string& video_id);
int RunRetry(const GlobalOptions& global, const std::string& video_id, bool wait);
// Encodes it anew; empty ladder: the default.
int RunEncode(const GlobalOptions& global, const std::string& video_id, const std::string& ladder, bool wait);
int RunEncodes(const GlobalOptions& global, const std::string& video_id);
int RunCancelEncode(const GlobalOptions& global, const std::string& video_id, int revision);
int RunDelete(const GlobalOptions& global, const std::string& video_id);
int RunHistory(const GlobalOptions& global, const std::string& video_id);

int RunStorageCopy(const GlobalOptions& global, const CopyArguments& arguments);

int RunPause(const GlobalOptions& global, const std::string& video_id, const std::string& reason);
int RunResume(const GlobalOptions& global, const std::string& video_id);
int RunRetryNow(const GlobalOptions& global, const std::string& video_id, const std::string& activity_id);  // empty: all that wait
int RunPriority(const GlobalOptions& global, const std::string& video_id, int priority);
int RunQueues(const GlobalOptions& global);
int RunQueue(const GlobalOptions& global, const SettingsArguments& arguments);
int RunTenants(const GlobalOptions& global);
int RunTenant(const GlobalOptions& global, const SettingsArguments& arguments);

// Ctrl-C ends the command cleanly: call once in main.
void CatchInterrupts();
bool Interrupted();

}  // namespace vora::cli
