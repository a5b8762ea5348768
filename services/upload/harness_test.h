#pragma once

// Real replicas over a real local store, and the clients to disturb them with.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/http/client/client.h"
#include "libs/obs/metrics.h"
#include "libs/storage/testing/faulty_store.h"
#include "libs/testing/temp_folder.h"
#include "services/upload/upload_app.h"

namespace vora::upload {

using storage::FaultyStore;

// The local store in `folder`; when VORA_TEST_S3 holds an s3:// URL, a prefix of its own there.
std::string StoreUrl(const std::string& folder);
std::unique_ptr<storage::ObjectStore> OpenStore(const std::string& folder);
// Reproducible bytes without a pattern.
std::string RandomBytes(size_t size, unsigned seed = 1);

UploadSettings TestSettings();

// One replica of the daemon in this process.
class Replica {
 public:
  explicit Replica(storage::ObjectStore& store, UploadSettings settings = TestSettings(), const Clock& clock = Clock::Real(),
                   Authorization authorization = Authorization::Open());
  std::string url() const { return "http://127.0.0.1:" + std::to_string(app_->http_port()) + "/files/"; }
  int port() const { return app_->http_port(); }
  UploadApp& app() { return *app_; }
  obs::Metrics& metrics() { return metrics_; }
  // The value of a metric line, e.g. `vora_upload_active`; 0 when it is not there.
  double Metric(const std::string& line) const;
  void Stop() { app_.reset(); }

 private:
  obs::Metrics metrics_;
  std::unique_ptr<UploadApp> app_;
};

// A tus client that retries nothing.
class Tus {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  http::ClientResponse Send(const std::string& method, const std::string& url, const Fields& fields, std::string body = {});
  http::ClientResponse Post(const std::string& url, Fields fields, std::string body = {});
  // The new upload's URL; fails the test when there is none.
  std::string Create(const std::string& url, std::optional<size_t> length, Fields fields = {});
  http::ClientResponse Patch(const std::string& url, int64_t offset, std::string_view body, Fields fields = {});
  http::ClientResponse Head(const std::string& url);
  http::ClientResponse Delete(const std::string& url);
  int64_t Offset(const std::string& url);  // -1 when HEAD is refused

 private:
  http::Client client_;
};

int64_t OffsetOf(const http::ClientResponse& response);
std::string IdOf(const std::string& url);
// The same upload at another replica.
std::string At(const std::string& url, const Replica& replica);
std::string Original(storage::ObjectStore& store, const std::string& url);
std::vector<std::string> Keys(storage::ObjectStore& store, const std::string& prefix);

// A bare TCP connection, to send half a request and vanish.
class RawConnection {
 public:
  explicit RawConnection(int port);
  ~RawConnection() { Close(); }
  bool Send(std::string_view bytes);
  std::string ReadAll();  // until the peer closes
  void Close();
  void Reset();  // RST instead of FIN

 private:
  int fd_;
};
std::string PatchHead(const std::string& url, int64_t offset, size_t content_length, const std::string& more = {});

// Runs `done` until it is true; fails the test after a long while.
void WaitFor(const std::string& what, const std::function<bool()>& done);

}  // namespace vora::upload
