#pragma once

// Tells the listeners of finished uploads, at least once each, for as long as it takes. The outbox is `announce/{upload_id}` in the
// object store: it goes when every listener has acknowledged, so a crash only repeats calls. Replicas may announce the same upload.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/run/retry.h"
#include "services/upload/receive/finisher.h"

namespace vora::upload {

struct AnnouncerOptions {
  std::vector<std::string> listeners;  // host:port of UploadListener services
  std::chrono::milliseconds call_timeout{10000};
  std::chrono::milliseconds scan_interval{15000};  // for what other replicas left behind
  RetryOptions backoff{.max_attempts = 0, .initial = std::chrono::milliseconds(250), .max = std::chrono::milliseconds(10000)};
};

class Announcer {
 public:
  Announcer(UploadRepo& repo, UploadMetrics& metrics, AnnouncerOptions options);
  ~Announcer();
  // `finish` completes an upload whose announcement was written but whose state is not UPLOADED yet.
  void Start(std::function<StatusOr<Versioned>(Versioned)> finish);
  void Stop();  // safe to call twice
  // The announcement of `upload_id` is durable: deliver it soon. Never blocks.
  void Notify(const std::string& upload_id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::upload
