#include "libs/storage/s3/s3_http.h"

#include <algorithm>
#include <cstring>

#include "libs/curl/handle.h"

namespace vora::storage {
namespace {

constexpr size_t kMaxIdle = 32;
constexpr long kReceiveBuffer = 256 << 10;
constexpr long kSendBuffer = 1 << 20;

}  // namespace

// libcurl keeps connections with the multi handle, so both are pooled together.
struct HttpPool::Channel {
  Channel() : multi(curl_multi_init()) {}
  ~Channel() { curl_multi_cleanup(multi); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  curl::Handle handle;
  CURLM* const multi;
  bool added = false;
};

HttpPool::HttpPool(std::string ca_file) : ca_file_(std::move(ca_file)), channels_(kMaxIdle) {}
HttpPool::~HttpPool() = default;

HttpExchange::HttpExchange(HttpPool& pool) : pool_(pool) {}

StatusOr<std::unique_ptr<HttpExchange>> HttpExchange::Start(HttpPool& pool, const HttpRequest& request) {
  std::unique_ptr<HttpExchange> exchange(new HttpExchange(pool));
  VORA_RETURN_IF_ERROR(exchange->Begin(request));
  while (!exchange->head_complete() && !exchange->done_) VORA_RETURN_IF_ERROR(exchange->Step());
  VORA_RETURN_IF_ERROR(exchange->result_);
  return exchange;
}

HttpExchange::~HttpExchange() {
  if (channel_ != nullptr) {
    // In the midst of a transfer libcurl closes the connection here.
    if (channel_->added) curl_multi_remove_handle(channel_->multi, channel_->handle.get());
    channel_->added = false;
    pool_.channels_.Return(std::move(channel_));
  }
}

Status HttpExchange::Begin(const HttpRequest& request) {
  channel_ = pool_.channels_.Borrow();
  curl::Handle& handle = channel_->handle;
  if (!handle.ok() || channel_->multi == nullptr) return ResourceExhausted("object store: no memory for a connection");
  handle.Begin(request.url);
  // What libcurl adds by itself: Expect would cost a wait for 100 Continue with each large body, and the others would be headers that are
  // not signed.
  for (const char* own : {"Expect", "Accept", "Content-Type"}) handle.OmitHeader(own);
  for (const auto& [name, value] : request.headers) handle.AddHeader(name, value);
  if (!pool_.ca_file_.empty()) handle.Set(CURLOPT_CAINFO, pool_.ca_file_.c_str());
  handle.Timeouts(request.total_timeout, request.connect_timeout);
  // Less than a byte per second over the stall timeout: a slow transfer goes on, a dead one ends.
  handle.Set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  handle.Set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(std::max<int64_t>(1, request.stall_timeout.count() / 1000)));
  handle.Set(CURLOPT_BUFFERSIZE, kReceiveBuffer);
  handle.Set(CURLOPT_UPLOAD_BUFFERSIZE, kSendBuffer);
  handle.OnBody([this](std::string_view piece) { return OnBody(piece.data(), piece.size()); });
  if (request.method == "PUT" || request.method == "POST") handle.Body(request.body);
  handle.Method(request.method);
  if (curl_multi_add_handle(channel_->multi, handle.get()) != CURLM_OK) return Internal("object store: libcurl refused the request");
  channel_->added = true;
  return absl::OkStatus();
}

Status HttpExchange::Step() {
  if (paused_) {
    paused_ = false;
    // It calls OnBody with what was held back before it returns, so the target may be filled already.
    curl_easy_pause(channel_->handle.get(), CURLPAUSE_CONT);
    if (target_filled_ > 0) return absl::OkStatus();
  }
  int running = 0;
  CURLMcode code = curl_multi_perform(channel_->multi, &running);
  if (code != CURLM_OK) return Internal(std::string("object store: ") + curl_multi_strerror(code));
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(channel_->multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    done_ = true;
    result_ = channel_->handle.ToStatus(message->data.result, "object store");
  }
  // A wait with bytes in hand would hold up a reader for as long as the network is quiet.
  bool waiting = target_ == nullptr ? !head_complete() : target_filled_ == 0;
  if (done_ || !waiting) return absl::OkStatus();
  code = curl_multi_poll(channel_->multi, nullptr, 0, 1000, nullptr);
  return code == CURLM_OK ? absl::OkStatus() : Internal(std::string("object store: ") + curl_multi_strerror(code));
}

int HttpExchange::status() const { return channel_->handle.http_status(); }

const std::string& HttpExchange::Header(std::string_view name) const { return channel_->handle.head().Get(name); }

// 1xx is not the answer.
bool HttpExchange::head_complete() const { return channel_->handle.head().complete() && status() >= 200; }

StatusOr<size_t> HttpExchange::Read(char* buffer, size_t size) {
  if (size == 0) return size_t{0};
  if (spill_at_ < spill_.size()) {
    size_t n = std::min(size, spill_.size() - spill_at_);
    std::memcpy(buffer, spill_.data() + spill_at_, n);
    spill_at_ += n;
    if (spill_at_ == spill_.size()) {
      spill_.clear();
      spill_at_ = 0;
    }
    return n;
  }
  target_ = buffer;
  target_size_ = size;
  target_filled_ = 0;
  Status status;
  while (target_filled_ == 0 && !done_ && status.ok()) status = Step();
  target_ = nullptr;
  size_t n = std::exchange(target_filled_, 0);
  VORA_RETURN_IF_ERROR(status);
  // Bytes first: what came before the connection broke is handed on, and the fault with the next call.
  if (n == 0) VORA_RETURN_IF_ERROR(result_);
  return n;
}

StatusOr<std::string> HttpExchange::ReadRest(size_t limit) {
  std::string body, piece(64 << 10, '\0');
  while (true) {
    VORA_ASSIGN_OR_RETURN(size_t n, Read(piece.data(), piece.size()));
    if (n == 0) return body;
    if (body.size() + n > limit) return Internal("object store: the answer is longer than " + std::to_string(limit) + " bytes");
    body.append(piece, 0, n);
  }
}

size_t HttpExchange::OnBody(const char* bytes, size_t size) {
  // A pause makes libcurl keep this piece and give it again, so memory stays at one receive buffer.
  if (spill_at_ < spill_.size()) {
    paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  size_t direct = target_ == nullptr ? 0 : std::min(size, target_size_ - target_filled_);
  if (direct > 0) std::memcpy(target_ + target_filled_, bytes, direct);
  target_filled_ += direct;
  spill_.append(bytes + direct, size - direct);
  return size;
}

}  // namespace vora::storage
