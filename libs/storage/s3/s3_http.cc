#include "libs/storage/s3/s3_http.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace vora::storage {
namespace {

constexpr size_t kMaxIdle = 32;
constexpr long kReceiveBuffer = 256 << 10;
constexpr long kSendBuffer = 1 << 20;

void InitCurlOnce() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)code;
}

Status CurlStatus(CURLcode code, const char* detail) {
  std::string text = std::string("object store: ") + (detail != nullptr && *detail != '\0' ? detail : curl_easy_strerror(code));
  switch (code) {
    case CURLE_OK:
      return absl::OkStatus();
    case CURLE_OPERATION_TIMEDOUT:
      return DeadlineExceeded(text);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return FailedPrecondition(text);
    case CURLE_OUT_OF_MEMORY:
      return ResourceExhausted(text);
    default:
      return Unavailable(text);
  }
}

}  // namespace

// libcurl keeps connections with the multi handle, so both are pooled together.
struct HttpPool::Channel {
  Channel() : multi(curl_multi_init()), easy(curl_easy_init()) {}
  ~Channel() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  CURLM* multi;
  CURL* easy;
  bool added = false;
  std::array<char, CURL_ERROR_SIZE> error{};
};

HttpPool::HttpPool(std::string ca_file) : ca_file_(std::move(ca_file)) { InitCurlOnce(); }
HttpPool::~HttpPool() = default;

std::unique_ptr<HttpPool::Channel> HttpPool::Take() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto channel = std::move(idle_.back());
      idle_.pop_back();
      return channel;
    }
  }
  return std::make_unique<Channel>();
}

void HttpPool::Give(std::unique_ptr<Channel> channel) {
  curl_easy_reset(channel->easy);
  std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.push_back(std::move(channel));
}

HttpExchange::HttpExchange(HttpPool& pool) : pool_(pool) {}

StatusOr<std::unique_ptr<HttpExchange>> HttpExchange::Start(HttpPool& pool, const HttpRequest& request) {
  std::unique_ptr<HttpExchange> exchange(new HttpExchange(pool));
  VORA_RETURN_IF_ERROR(exchange->Begin(request));
  while (!exchange->headers_done_ && !exchange->done_) VORA_RETURN_IF_ERROR(exchange->Step());
  VORA_RETURN_IF_ERROR(exchange->result_);
  return exchange;
}

HttpExchange::~HttpExchange() {
  if (channel_ != nullptr) {
    // In the midst of a transfer libcurl closes the connection here.
    if (channel_->added) curl_multi_remove_handle(channel_->multi, channel_->easy);
    channel_->added = false;
    pool_.Give(std::move(channel_));
  }
  curl_slist_free_all(static_cast<curl_slist*>(header_list_));
}

Status HttpExchange::Begin(const HttpRequest& request) {
  channel_ = pool_.Take();
  CURL* easy = channel_->easy;
  if (easy == nullptr || channel_->multi == nullptr) return ResourceExhausted("object store: no memory for a connection");
  // An empty header switches libcurl's own off.
  std::vector<std::string> lines = {"Expect:", "Accept:", "Content-Type:"};
  for (const auto& [name, value] : request.headers) lines.push_back(name + ": " + value);
  for (const std::string& line : lines) {
    auto* list = curl_slist_append(static_cast<curl_slist*>(header_list_), line.c_str());
    if (list == nullptr) return ResourceExhausted("object store: no memory for headers");
    header_list_ = list;
  }
  channel_->error[0] = '\0';
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, channel_->error.data());
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  if (!pool_.ca_file_.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, pool_.ca_file_.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, static_cast<curl_slist*>(header_list_));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(std::max<int64_t>(1, request.stall_timeout.count() / 1000)));
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kReceiveBuffer);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kSendBuffer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &HttpExchange::BodyCallback);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &HttpExchange::HeaderCallback);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (request.method == "PUT" || request.method == "POST") {
    // POSTFIELDS rather than a read callback: libcurl can send it again when a kept connection turns out to be dead.
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  if (curl_multi_add_handle(channel_->multi, easy) != CURLM_OK) return Internal("object store: libcurl refused the request");
  channel_->added = true;
  return absl::OkStatus();
}

Status HttpExchange::Step() {
  if (paused_) {
    paused_ = false;
    curl_easy_pause(channel_->easy, CURLPAUSE_CONT);
    if (target_filled_ > 0) return absl::OkStatus();
  }
  int running = 0;
  CURLMcode code = curl_multi_perform(channel_->multi, &running);
  if (code != CURLM_OK) return Internal(std::string("object store: ") + curl_multi_strerror(code));
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(channel_->multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    done_ = true;
    result_ = CurlStatus(message->data.result, channel_->error.data());
  }
  bool waiting = target_ == nullptr ? !headers_done_ : target_filled_ == 0;
  if (done_ || !waiting) return absl::OkStatus();
  code = curl_multi_poll(channel_->multi, nullptr, 0, 1000, nullptr);
  return code == CURLM_OK ? absl::OkStatus() : Internal(std::string("object store: ") + curl_multi_strerror(code));
}

const std::string& HttpExchange::Header(const std::string& name) const {
  static const std::string kNone;
  auto found = headers_.find(name);
  return found == headers_.end() ? kNone : found->second;
}

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
  headers_done_ = true;
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

void HttpExchange::OnHeader(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.empty()) {
    long status = 0;
    curl_easy_getinfo(channel_->easy, CURLINFO_RESPONSE_CODE, &status);
    status_ = static_cast<int>(status);
    headers_done_ = status_ >= 200;  // 1xx is not the answer
    return;
  }
  if (line.substr(0, 5) == "HTTP/") {
    headers_.clear();
    return;
  }
  size_t colon = line.find(':');
  if (colon == line.npos) return;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  headers_[name] = value;
}

size_t HttpExchange::BodyCallback(char* bytes, size_t one, size_t size, void* self) {
  return static_cast<HttpExchange*>(self)->OnBody(bytes, one * size);
}

size_t HttpExchange::HeaderCallback(char* bytes, size_t one, size_t size, void* self) {
  static_cast<HttpExchange*>(self)->OnHeader({bytes, one * size});
  return one * size;
}

}  // namespace vora::storage
