#pragma once

// A gateway over a real local store and a real PlaybackService on a port of its own, for the tests of this folder.

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "libs/core/clock.h"
#include "libs/http/client/client.h"
#include "libs/obs/metrics.h"
#include "libs/storage/base/object_store.h"
#include "services/streaming-gateway/gateway.h"
#include "vora/playback/v1/playback.pb.h"

namespace vora::gateway {

inline constexpr char kVideo[] = "019a0000000070008000000000000001";

// PlaybackService with answers set by the test. Can be stopped and started again on its port.
class PlaybackServer {
 public:
  PlaybackServer();
  ~PlaybackServer();
  void Set(const playback::v1::Presentation& presentation);
  void Start();
  void Stop();
  int port() const { return port_; }
  int calls() const { return calls_; }
  // Until Release, calls wait.
  void Hold();
  void Release();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  int port_ = 0;
  std::atomic<int> calls_{0};
};

// A store whose Open and Head can be held back or told that the store is away, in front of a real one.
class GatedStore : public storage::ObjectStore {
 public:
  explicit GatedStore(std::unique_ptr<storage::ObjectStore> inner) : inner_(std::move(inner)) {}
  void Hold();
  void Release();
  void SetAway(bool away) { away_ = away; }
  // The next reader breaks with UNAVAILABLE behind `bytes`.
  void BreakNextReadAfter(int64_t bytes) { break_after_ = bytes; }
  int opens() const { return opens_; }

  StatusOr<storage::ObjectInfo> Put(const std::string& key, std::string_view bytes, const storage::PutOptions& options) override;
  StatusOr<std::unique_ptr<storage::ObjectReader>> Open(const std::string& key, int64_t offset, int64_t length) override;
  StatusOr<storage::ObjectInfo> Head(const std::string& key) override;
  Status Delete(const std::string& key) override { return inner_->Delete(key); }
  StatusOr<storage::ListPage> List(const std::string& prefix, const std::string& token, int max) override;
  StatusOr<std::string> CreateMultipart(const std::string& key, const storage::MultipartOptions& options) override;
  StatusOr<storage::CompletedPart> UploadPart(const std::string& key, const std::string& id, int number, std::string_view bytes) override;
  StatusOr<storage::ObjectInfo> CompleteMultipart(const std::string& key, const std::string& id,
                                                  const std::vector<storage::CompletedPart>& parts) override;
  Status AbortMultipart(const std::string& key, const std::string& id) override { return inner_->AbortMultipart(key, id); }
  Status Ping() override;
  std::string Describe() const override { return inner_->Describe(); }

 private:
  Status Pass();
  std::unique_ptr<storage::ObjectStore> inner_;
  std::mutex mutex_;
  std::condition_variable released_;
  bool held_ = false;
  std::atomic<bool> away_{false};
  std::atomic<int64_t> break_after_{-1};
  std::atomic<int> opens_{0};
};

// `bytes` bytes that differ from place to place.
std::string Pattern(size_t bytes);
// A video of two renditions and sound; `segments` of each are done.
playback::v1::Presentation MakePresentation(const std::string& state, int segments, bool complete);
// Waits until `condition` holds; false after 10 s.
bool Eventually(const std::function<bool()>& condition);

// One header.
inline http::Headers With(std::string_view name, std::string_view value) {
  http::Headers headers;
  headers.Set(name, value);
  return headers;
}

class GatewayTest : public ::testing::Test {
 protected:
  GatewayTest();
  ~GatewayTest() override;
  // Starts the gateway; tests set `options_` before.
  void Start();
  void Put(const std::string& key, std::string_view bytes);
  http::ClientResponse Get(const std::string& path, const http::Headers& headers = {}, const std::string& method = "GET");
  // Sends `target` as it stands, with nothing normalised; returns the status.
  int RawStatus(const std::string& target) const;
  double Metric(const std::string& name_and_labels) const;

  std::string directory_;
  FakeClock clock_;
  obs::Metrics metrics_;
  PlaybackServer playback_;
  std::unique_ptr<GatedStore> store_;
  GatewayOptions options_;
  std::unique_ptr<Gateway> gateway_;
};

}  // namespace vora::gateway
