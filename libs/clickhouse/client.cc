#include "libs/clickhouse/client.h"

#include <curl/curl.h>

#include <atomic>
#include <charconv>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "libs/clickhouse/exception.h"
#include "libs/clickhouse/framing.h"

namespace vora::clickhouse {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kConnectTimeout{3000};
constexpr size_t kIdleConnections = 4;

struct Handle {
  CURL* easy = curl_easy_init();
  Handle() = default;
  Handle(Handle&& other) noexcept : easy(std::exchange(other.easy, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(easy, other.easy);
    return *this;
  }
  ~Handle() { curl_easy_cleanup(easy); }
};

struct HeaderList {
  curl_slist* list = nullptr;
  ~HeaderList() { curl_slist_free_all(list); }
  void Add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
};

struct Answer {
  std::string body, exception_code;
  long status = 0;
  bool head_ended = false;
};

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  static_cast<Answer*>(user)->body.append(data, size * count);
  return size * count;
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  constexpr std::string_view kCode = "x-clickhouse-exception-code:";
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) static_cast<Answer*>(user)->head_ended = false;
  if (line == "\r\n") static_cast<Answer*>(user)->head_ended = true;
  if (line.size() > kCode.size() && curl_strnequal(line.data(), kCode.data(), kCode.size()) != 0) {
    std::string_view value = line.substr(kCode.size());
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    static_cast<Answer*>(user)->exception_code = value;
  }
  return size * count;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return static_cast<std::atomic<bool>*>(user)->load() ? 1 : 0; }

void AppendEscaped(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
}

std::string UrlOf(const Options& options, const QuerySettings& settings) {
  std::string url = options.url;
  while (url.ends_with('/')) url.pop_back();
  url += '/';
  char separator = '?';
  const auto add = [&](std::string_view name, std::string_view value) {
    url += std::exchange(separator, '&');
    AppendEscaped(url, name);
    url += '=';
    AppendEscaped(url, value);
  };
  if (!settings.contains("database")) add("database", options.database);
  for (const auto& [name, value] : settings) add(name, value);
  return url;
}

// A proxy set in the environment must not stand between this and a server on the same machine.
bool IsLoopback(std::string_view url) {
  const std::string_view host = url.substr(url.find("://") + 3);
  return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
}

Status FromCurl(CURL* easy, CURLcode code, const char* detail) {
  const std::string text = "ClickHouse: " + std::string(detail[0] != '\0' ? detail : curl_easy_strerror(code));
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) return InvalidArgument(text);
  if (code != CURLE_OPERATION_TIMEDOUT) return Unavailable(text);
  curl_off_t began = 0;
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &began);
  return began == 0 ? Unavailable(text) : DeadlineExceeded(text);
}

StatusOr<Version> ParseVersion(std::string_view text) {
  Version version;
  const char* end = text.data() + text.size();
  const auto year = std::from_chars(text.data(), end, version.year);
  if (year.ec != std::errc() || year.ptr == end || *year.ptr != '.') return Internal("ClickHouse: not a version: " + std::string(text));
  if (std::from_chars(year.ptr + 1, end, version.month).ec != std::errc())
    return Internal("ClickHouse: not a version: " + std::string(text));
  // Until 2018 they were numbered 1.1.N.
  if (version.year < 18) return FailedPrecondition("ClickHouse " + std::string(text) + " is too old; 18.16 or later is needed");
  return version;
}

}  // namespace

struct Client::Impl {
  Options options;
  std::mutex mutex;
  std::vector<Handle> idle;
  std::atomic<bool> interrupted{false};
  std::optional<Version> version;  // of the server, while it is not known to have gone away

  Handle Borrow() {
    std::lock_guard lock(mutex);
    if (idle.empty()) return Handle();
    Handle handle = std::move(idle.back());
    idle.pop_back();
    return handle;
  }
  void Return(Handle handle) {
    std::lock_guard lock(mutex);
    if (idle.size() < kIdleConnections) idle.push_back(std::move(handle));
  }
  StatusOr<Answer> Post(const std::string& url, std::string_view body, milliseconds timeout, InsertFate* fate);
};

// `fate` is given for inserts: they wait for `100 Continue`, and go over a connection of their own, for libcurl sends a request anew by
// itself when a kept connection turns out to be dead.
StatusOr<Answer> Client::Impl::Post(const std::string& url, std::string_view body, milliseconds timeout, InsertFate* fate) {
  Handle handle = Borrow();
  CURL* easy = handle.easy;
  if (easy == nullptr) return Internal("libcurl could not be set up");
  curl_easy_reset(easy);  // keeps open connections
  char error[CURL_ERROR_SIZE] = {};
  Answer answer;
  HeaderList headers;
  headers.Add("X-ClickHouse-User: " + options.user);
  if (!options.password.empty()) headers.Add("X-ClickHouse-Key: " + options.password);
  headers.Add("Content-Type: application/octet-stream");
  headers.Add(fate != nullptr ? "Expect: 100-continue" : "Expect:");
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.list);
  if (!options.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(timeout, kConnectTimeout).count()));
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &answer);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &interrupted);
  if (fate != nullptr) {
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, static_cast<long>(timeout.count()));
  }
  if (IsLoopback(options.url)) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  const CURLcode code = curl_easy_perform(easy);
  if (fate != nullptr) {
    curl_off_t sent = 0;
    curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    *fate = code == CURLE_OK ? InsertFate::kEnded : std::cmp_less(sent, body.size()) ? InsertFate::kNotBegun : InsertFate::kUnknown;
  }
  // To libcurl a head that is cut after its first line is an answer without a body.
  if (code == CURLE_OK && !answer.head_ended) {
    if (fate != nullptr && *fate == InsertFate::kEnded) *fate = InsertFate::kUnknown;
    return Unavailable("ClickHouse: the connection ended within the answer's head");
  }
  if (code != CURLE_OK) {
    std::lock_guard lock(mutex);
    version.reset();
    return FromCurl(easy, code, error);
  }
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
  Return(std::move(handle));
  if (answer.status != 200) {
    // Said by what stands before the server: behind it, the insert may be running or waiting.
    const bool own = !answer.exception_code.empty() || ExceptionCode(answer.body);
    if (fate != nullptr && !own && *fate == InsertFate::kEnded) *fate = InsertFate::kUnknown;
    return FromAnswer(static_cast<int>(answer.status), answer.exception_code, answer.body);
  }
  if (const size_t late = FindLateException(answer.body); late != std::string::npos) {
    return FromAnswer(500, answer.exception_code, std::string_view(answer.body).substr(late));
  }
  return answer;
}

Client::Client(Options options) : impl_(std::make_unique<Impl>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  impl_->options = std::move(options);
}

Client::~Client() = default;

void Client::Interrupt(bool on) { impl_->interrupted = on; }

const Options& Client::options() const { return impl_->options; }

StatusOr<std::string> Client::Query(std::string_view sql, const QuerySettings& settings, milliseconds timeout) {
  if (timeout.count() == 0) timeout = impl_->options.timeout;
  QuerySettings all = settings;
  // The answer begins when the query has ended, so that its status tells how.
  all.emplace("wait_end_of_query", "1");
  all.emplace("max_execution_time", std::to_string(timeout.count() / 1000 + 1));
  auto answer = impl_->Post(UrlOf(impl_->options, all), sql, timeout, nullptr);
  if (!answer.ok()) return answer.status();
  return std::move(answer->body);
}

Status Client::Insert(std::string_view statement, std::string_view rows, const std::string& query_id, const QuerySettings& settings,
                      milliseconds timeout, InsertFate* fate) {
  InsertFate ignored;
  if (fate == nullptr) fate = &ignored;
  *fate = InsertFate::kNotBegun;
  VORA_ASSIGN_OR_RETURN(const std::string body, CompressBlock(rows));
  QuerySettings all = settings;
  all["query"] = statement;
  all["query_id"] = query_id;
  all["decompress"] = "1";
  all["http_native_compression_disable_checksumming_on_decompress"] = "1";
  all.emplace("wait_end_of_query", "1");
  return impl_->Post(UrlOf(impl_->options, all), body, timeout, fate).status();
}

StatusOr<Version> Client::ServerVersion() {
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->version) return *impl_->version;
  }
  VORA_ASSIGN_OR_RETURN(const std::string text, Query("SELECT version()", {{"database", "system"}}));
  VORA_ASSIGN_OR_RETURN(const Version version, ParseVersion(text));
  std::lock_guard lock(impl_->mutex);
  impl_->version = version;
  return version;
}

}  // namespace vora::clickhouse
