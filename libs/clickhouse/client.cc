#include "libs/clickhouse/client.h"

#include <atomic>
#include <charconv>
#include <mutex>
#include <optional>
#include <utility>

#include "libs/clickhouse/exception.h"
#include "libs/clickhouse/framing.h"
#include "libs/core/encoding.h"
#include "libs/curl/handle.h"
#include "libs/curl/pool.h"

namespace vora::clickhouse {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kConnectTimeout{3000};
constexpr size_t kIdleConnections = 4;

std::string UrlOf(const Options& options, const QuerySettings& settings) {
  std::string url = options.url;
  while (url.ends_with('/')) url.pop_back();
  url += '/';
  char separator = '?';
  const auto add = [&](std::string_view name, std::string_view value) {
    url += std::exchange(separator, '&');
    url += PercentEncode(name);
    url += '=';
    url += PercentEncode(value);
  };
  if (!settings.contains("database")) add("database", options.database);
  for (const auto& [name, value] : settings) add(name, value);
  return url;
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

// Of an insert whose body has `size` bytes.
InsertFate FateOf(const curl::Handle& handle, const Status& sent, size_t size) {
  if (sent.ok()) return handle.head().complete() ? InsertFate::kEnded : InsertFate::kUnknown;
  curl_off_t gone = 0;
  // Bytes handed to the network, read or not: only what was never sent in full can be ruled out.
  curl_easy_getinfo(handle.get(), CURLINFO_SIZE_UPLOAD_T, &gone);
  return std::cmp_less(gone, size) ? InsertFate::kNotBegun : InsertFate::kUnknown;
}

}  // namespace

struct Client::Impl {
  Options options;
  curl::Pool<curl::Handle> handles{kIdleConnections};
  std::atomic<bool> interrupted{false};
  std::mutex mutex;
  std::optional<Version> version;  // of the server, while it is not known to have gone away

  StatusOr<std::string> Post(const std::string& url, std::string_view body, milliseconds timeout, InsertFate* fate);
};

// `fate` is given for inserts: they wait for `100 Continue`, and go over a connection of their own, for libcurl sends a request anew by
// itself when a kept connection turns out to be dead.
StatusOr<std::string> Client::Impl::Post(const std::string& url, std::string_view body, milliseconds timeout, InsertFate* fate) {
  auto handle = handles.Borrow();
  if (!handle->ok()) return Internal("libcurl could not be set up");
  std::string answer;
  handle->Begin(url);
  handle->AddHeader("X-ClickHouse-User", options.user);
  if (!options.password.empty()) handle->AddHeader("X-ClickHouse-Key", options.password);
  handle->AddHeader("Content-Type", "application/octet-stream");
  if (!options.ca_file.empty()) handle->Set(CURLOPT_CAINFO, options.ca_file.c_str());
  handle->Method("POST");
  handle->Body(body);
  handle->Set(CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
  handle->Timeouts(timeout, std::min(timeout, kConnectTimeout));
  handle->OnBody([&answer](std::string_view piece) {
    answer.append(piece);
    return piece.size();
  });
  // libcurl asks about once a second, which is how soon a shutdown gets past a slow query.
  handle->CancelWhen([this] { return interrupted.load(); });
  if (fate != nullptr) {
    handle->AddHeader("Expect", "100-continue");
    handle->Set(CURLOPT_FRESH_CONNECT, 1L);
    handle->Set(CURLOPT_FORBID_REUSE, 1L);
    handle->Set(CURLOPT_EXPECT_100_TIMEOUT_MS, static_cast<long>(timeout.count()));
  } else {
    handle->OmitHeader("Expect");
  }
  const Status sent = handle->Perform("ClickHouse");
  if (fate != nullptr) *fate = FateOf(*handle, sent, body.size());
  if (!sent.ok()) {
    const std::lock_guard lock(mutex);
    // What answers next may be another version, brought up to date or put in its place.
    version.reset();
    // A certificate that does not hold is a server that is not reached: what waits for it goes on waiting.
    const bool unreached = interrupted || sent.code() == StatusCode::kFailedPrecondition || sent.code() == StatusCode::kCancelled;
    return unreached ? Unavailable(Message(sent)) : sent;
  }
  // To libcurl a head that is cut after its first line is an answer without a body.
  if (!handle->head().complete()) return Unavailable("ClickHouse: the connection ended within the answer's head");
  const int status = handle->http_status();
  const std::string exception_code = handle->head().Get("X-ClickHouse-Exception-Code");
  handles.Return(std::move(handle));
  if (status != 200) {
    // Said by what stands before the server: beyond it, the insert may be running or waiting.
    const bool own = !exception_code.empty() || ExceptionCode(answer);
    if (fate != nullptr && !own) *fate = InsertFate::kUnknown;
    return FromAnswer(status, exception_code, answer);
  }
  if (const size_t late = FindLateException(answer); late != std::string::npos) {
    return FromAnswer(500, exception_code, std::string_view(answer).substr(late));
  }
  return answer;
}

Client::Client(Options options) : impl_(std::make_unique<Impl>()) { impl_->options = std::move(options); }

Client::~Client() = default;

void Client::Interrupt(bool on) { impl_->interrupted = on; }

const Options& Client::options() const { return impl_->options; }

StatusOr<std::string> Client::Query(std::string_view sql, const QuerySettings& settings, milliseconds timeout) {
  if (timeout.count() == 0) timeout = impl_->options.timeout;
  QuerySettings all = settings;
  // The answer begins when the query has ended, so that its status tells how.
  all.emplace("wait_end_of_query", "1");
  // A second more than we wait: ClickHouse does not go on for long with what nobody listens to any more.
  all.emplace("max_execution_time", std::to_string(timeout.count() / 1000 + 1));
  return impl_->Post(UrlOf(impl_->options, all), sql, timeout, nullptr);
}

Status Client::Insert(std::string_view statement, std::string_view rows, const std::string& query_id, const QuerySettings& settings,
                      milliseconds timeout, InsertFate* fate) {
  InsertFate ignored;
  if (fate == nullptr) fate = &ignored;
  *fate = InsertFate::kNotBegun;
  VORA_ASSIGN_OR_RETURN(const std::string body, CompressBlock(rows));
  QuerySettings all = settings;
  // In the URL, since the body is the data.
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
