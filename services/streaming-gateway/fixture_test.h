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
#include "libs/storage/testing/faulty_store.h"
#include "libs/testing/eventually.h"
#include "libs/testing/temp_folder.h"
#include "services/streaming-gateway/gateway_app.h"
#include "vora/playback/v1/playback.pb.h"

namespace vora::gateway {

using storage::FaultyStore;

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

// `bytes` bytes that differ from place to place.
std::string Pattern(size_t bytes);
// A video of two renditions and audio; `segments` of each are done.
playback::v1::Presentation MakePresentation(const std::string& state, int segments, bool complete);

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

  TempFolder directory_;
  FakeClock clock_;
  obs::Metrics metrics_;
  PlaybackServer playback_;
  std::unique_ptr<FaultyStore> store_;
  GatewayOptions options_;
  std::unique_ptr<GatewayApp> gateway_;
};

}  // namespace vora::gateway
