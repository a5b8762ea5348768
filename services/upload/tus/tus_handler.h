#pragma once

// tus 1.0.0 over HTTP: parses, answers, and moves body bytes into sessions. The work itself is the engine's.

#include <atomic>
#include <string>
#include <vector>

#include "libs/http/server/server.h"
#include "services/upload/receive/upload_engine.h"

namespace vora::upload {

struct TusOptions {
  std::string base_path = "/files";       // no trailing slash
  std::string public_url;                 // no trailing slash; empty: as the client named the host
  std::vector<std::string> cors_origins;  // `*`: any
  int max_active = 64;                    // requests that receive bytes at the same time
};

class TusHandler {
 public:
  TusHandler(UploadEngine& engine, UploadMetrics& metrics, TusOptions options)
      : engine_(engine), metrics_(metrics), options_(std::move(options)) {}
  // Registers the routes; the handler must outlive the server's requests.
  void Mount(http::Server& server);

 private:
  struct Slot;
  http::Task<void> Dispatch(http::Exchange& exchange);
  http::Task<http::Response> Create(http::Exchange& exchange);
  http::Task<http::Response> Patch(http::Exchange& exchange, std::string upload_id);
  http::Task<http::Response> Head(http::Exchange& exchange, std::string upload_id);
  http::Task<http::Response> Terminate(http::Exchange& exchange, std::string upload_id);
  http::Task<StatusOr<UploadDoc>> Receive(http::Exchange& exchange, std::string upload_id, PatchRequest patch);
  void Decorate(const http::Request& request, http::Response& response) const;

  UploadEngine& engine_;
  UploadMetrics& metrics_;
  const TusOptions options_;
  std::atomic<int> active_{0};
};

}  // namespace vora::upload
