#include "services/streaming-gateway/ingest_server_test.h"

#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

#include "libs/obs/metrics.h"
#include "libs/rpc/server.h"
#include "libs/rpc/status.h"
#include "libs/run/lifecycle.h"
#include "libs/testing/status_matchers.h"
#include "vora/analytics/v1/analytics.grpc.pb.h"

namespace vora::gateway {

struct IngestServer::Impl final : analytics::v1::AnalyticsIngest::Service {
  Impl() { readiness.SetStarted(); }

  grpc::Status RecordDeliveries(grpc::ServerContext*, const analytics::v1::RecordDeliveriesRequest* request,
                                analytics::v1::RecordDeliveriesResponse* response) override {
    std::unique_lock lock(mutex);
    ++calls;
    released.wait(lock, [&] { return !held; });
    if (full) return rpc::ToGrpc(ResourceExhausted("the spool is full"));
    batch_sizes.push_back(request->records_size());
    records.insert(records.end(), request->records().begin(), request->records().end());
    response->set_accepted(request->records_size());
    return grpc::Status::OK;
  }

  mutable std::mutex mutex;
  std::condition_variable released;
  bool held = false, full = false;
  int calls = 0;
  std::vector<int> batch_sizes;
  std::vector<analytics::v1::DeliveryRecord> records;
  Readiness readiness;
  obs::Metrics metrics;
  std::unique_ptr<rpc::Server> server;
};

IngestServer::IngestServer() : impl_(std::make_unique<Impl>()) { Start(); }

IngestServer::~IngestServer() {
  Release();
  Stop();
}

void IngestServer::Start() {
  rpc::ServerOptions options;
  options.listen = "127.0.0.1:" + std::to_string(port_);
  auto server = rpc::Server::Start(options, {impl_.get()}, impl_->readiness, impl_->metrics);
  ASSERT_THAT(server, IsOk());
  impl_->server = *std::move(server);
  port_ = impl_->server->port();
}

void IngestServer::Stop() { impl_->server.reset(); }

void IngestServer::Hold() {
  const std::lock_guard lock(impl_->mutex);
  impl_->held = true;
}

void IngestServer::Release() {
  const std::lock_guard lock(impl_->mutex);
  impl_->held = false;
  impl_->released.notify_all();
}

void IngestServer::SetFull(bool full) {
  const std::lock_guard lock(impl_->mutex);
  impl_->full = full;
}

std::vector<analytics::v1::DeliveryRecord> IngestServer::records() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->records;
}

std::vector<int> IngestServer::batch_sizes() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->batch_sizes;
}

int IngestServer::calls() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->calls;
}

}  // namespace vora::gateway
