#include "services/upload/harness_test.h"
#include "libs/testing/eventually.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <thread>

#include "libs/storage/open_store.h"
#include "libs/testing/status_matchers.h"

namespace vora::upload {

std::string StoreUrl(const std::string& folder) {
  const char* s3 = std::getenv("VORA_TEST_S3");
  if (!s3 || !*s3) return "file://" + folder;
  std::string url = s3;
  return url.insert(std::min(url.find('?'), url.size()), folder.substr(folder.rfind('/')));
}

std::unique_ptr<storage::ObjectStore> OpenStore(const std::string& folder) {
  static obs::Metrics metrics;
  StatusOr<std::unique_ptr<storage::ObjectStore>> store = storage::OpenObjectStore(StoreUrl(folder), metrics);
  if (!store.ok()) throw std::runtime_error(ToText(store.status()));
  return *std::move(store);
}

std::string RandomBytes(size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  std::mt19937_64 random(seed);
  for (size_t i = 0; i < size; i += 8) {
    uint64_t word = random();
    std::memcpy(bytes.data() + i, &word, std::min<size_t>(8, size - i));
  }
  return bytes;
}

UploadSettings TestSettings() {
  UploadSettings settings;
  settings.http_listen = "127.0.0.1:0";
  settings.checkpoint_bytes = kPartSize;
  settings.part_threads = 4;
  settings.max_active = 8;
  settings.store_retry = {.max_attempts = 3, .initial = std::chrono::milliseconds(1), .max = std::chrono::milliseconds(5)};
  // Sweeps are run by hand.
  settings.sweep_interval = std::chrono::hours(1);
  return settings;
}

Replica::Replica(storage::ObjectStore& store, UploadSettings settings, const Clock& clock, Authorization authorization) {
  app_ = std::make_unique<UploadApp>(settings, store, metrics_, std::move(authorization), clock);
  Status started = app_->Start([](const Status&) {});
  if (!started.ok()) throw std::runtime_error(ToText(started));
}

double Replica::Metric(const std::string& line) const {
  std::string text = metrics_.Expose();
  size_t at = text.find("\n" + line + " ");
  return at == std::string::npos ? 0 : std::stod(text.substr(at + line.size() + 2));
}

http::ClientResponse Tus::Send(const std::string& method, const std::string& url, const Fields& fields, std::string body) {
  http::ClientRequest request;
  request.method = method;
  request.url = url;
  for (const auto& [name, value] : fields) request.headers.Add(name, value);
  request.body = std::move(body);
  StatusOr<http::ClientResponse> response = client_.Do(request);
  if (response.ok()) return *std::move(response);
  http::ClientResponse none;
  none.body = ToText(response.status());
  return none;
}

http::ClientResponse Tus::Post(const std::string& url, Fields fields, std::string body) {
  fields.emplace_back("Tus-Resumable", "1.0.0");
  return Send("POST", url, fields, std::move(body));
}

std::string Tus::Create(const std::string& url, std::optional<size_t> length, Fields fields) {
  fields.emplace_back(length ? "Upload-Length" : "Upload-Defer-Length", length ? std::to_string(*length) : "1");
  http::ClientResponse response = Post(url, std::move(fields));
  EXPECT_EQ(response.status, 201) << response.body;
  return response.headers.GetOr("Location", "");
}

http::ClientResponse Tus::Patch(const std::string& url, int64_t offset, std::string_view body, Fields fields) {
  fields.emplace_back("Tus-Resumable", "1.0.0");
  fields.emplace_back("Content-Type", "application/offset+octet-stream");
  fields.emplace_back("Upload-Offset", std::to_string(offset));
  return Send("PATCH", url, fields, std::string(body));
}

http::ClientResponse Tus::Head(const std::string& url) { return Send("HEAD", url, {{"Tus-Resumable", "1.0.0"}}); }
http::ClientResponse Tus::Delete(const std::string& url) { return Send("DELETE", url, {{"Tus-Resumable", "1.0.0"}}); }
int64_t Tus::Offset(const std::string& url) { return OffsetOf(Head(url)); }

int64_t OffsetOf(const http::ClientResponse& response) {
  bool fine = response.status >= 200 && response.status < 300;
  return fine ? std::stoll(response.headers.GetOr("Upload-Offset", "-1")) : -1;
}
std::string IdOf(const std::string& url) { return url.substr(url.rfind('/') + 1); }
std::string At(const std::string& url, const Replica& replica) { return replica.url() + IdOf(url); }

std::string Original(storage::ObjectStore& store, const std::string& url) {
  StatusOr<std::string> bytes = store.Get("raw/" + IdOf(url) + "/original", int64_t{1} << 30);
  return bytes.ok() ? *std::move(bytes) : ToText(bytes.status());
}

std::vector<std::string> Keys(storage::ObjectStore& store, const std::string& prefix) {
  std::vector<std::string> keys;
  StatusOr<storage::ListPage> page = store.List(prefix);
  EXPECT_THAT(page, IsOk());
  for (const storage::ObjectInfo& object : page->objects) keys.push_back(object.key);
  return keys;
}

RawConnection::RawConnection(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval patience{30, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
}
bool RawConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}
std::string RawConnection::ReadAll() {
  std::string all;
  char buffer[4096];
  for (ssize_t n; (n = recv(fd_, buffer, sizeof(buffer), 0)) > 0;) all.append(buffer, static_cast<size_t>(n));
  return all;
}
void RawConnection::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}
void RawConnection::Reset() {
  linger hard{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  Close();
}

std::string PatchHead(const std::string& url, int64_t offset, size_t content_length, const std::string& more) {
  return "PATCH /files/" + IdOf(url) + " HTTP/1.1\r\nHost: test\r\nTus-Resumable: 1.0.0\r\nConnection: close\r\n" + more +
         "Content-Type: application/offset+octet-stream\r\nUpload-Offset: " + std::to_string(offset) +
         "\r\nContent-Length: " + std::to_string(content_length) + "\r\n\r\n";
}

void WaitFor(const std::string& what, const std::function<bool()>& done) { ASSERT_TRUE(Eventually(done)) << "never happened: " << what; }

}  // namespace vora::upload
