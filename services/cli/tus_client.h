#pragma once

// Uploads a file over tus 1.0.0 (https://tus.io/protocols/resumable-upload), resuming after every cut.

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "libs/core/status.h"
#include "libs/http/client/client.h"
#include "services/cli/resume_store.h"

namespace vora::cli {

struct UploadOptions {
  std::string endpoint;                         // http://127.0.0.1:8081/files/
  std::map<std::string, std::string> metadata;  // filename, filetype, title, sha256 ...
  int64_t max_bytes_per_second = 0;             // 0: as fast as it goes
  std::string token;                            // shown with every request; empty: none
  std::function<void(int64_t sent, int64_t total)> on_progress;
  std::function<void(const std::string& reason, int64_t offset)> on_resume;
  std::function<bool()> cancelled;
};

struct UploadResult {
  std::string upload_id;
  int64_t resumed_from = 0;  // bytes the server already had when this call began
};

class TusClient {
 public:
  explicit TusClient(ResumeStore store) : store_(std::move(store)) {}
  // UNAVAILABLE after about two minutes without progress; CANCELLED keeps what is needed to resume; DATA_LOSS: checksum mismatch.
  StatusOr<UploadResult> Upload(const FileIdentity& file, const UploadOptions& options);

 private:
  StatusOr<std::string> Create(const FileIdentity& file, const UploadOptions& options);
  StatusOr<int64_t> Offset(const std::string& url, const std::string& token);
  StatusOr<int64_t> Send(const FileIdentity& file, const std::string& url, int64_t offset, const UploadOptions& options);

  ResumeStore store_;
  http::Client http_;
};

// `key base64(value),key base64(value)`, tus creation extension.
std::string EncodeUploadMetadata(const std::map<std::string, std::string>& metadata);

}  // namespace vora::cli
