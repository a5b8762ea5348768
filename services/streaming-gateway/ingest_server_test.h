#pragma once

// A real AnalyticsIngest on a port of its own that keeps what it gets, for the tests of this folder. Can be stopped and started again.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "vora/analytics/v1/analytics.pb.h"

namespace vora::gateway {

class IngestServer {
 public:
  IngestServer();
  ~IngestServer();
  void Start();
  void Stop();
  int port() const { return port_; }
  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }
  // Until Release, calls wait.
  void Hold();
  void Release();
  // Calls are answered RESOURCE_EXHAUSTED.
  void SetFull(bool full);
  // Records of calls that were accepted, in order.
  std::vector<analytics::v1::DeliveryRecord> records() const;
  std::vector<int> batch_sizes() const;
  int calls() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  int port_ = 0;
};

}  // namespace vora::gateway
