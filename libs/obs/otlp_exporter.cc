#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "libs/core/version.h"
#include "libs/log/log.h"
#include "libs/obs/otlp_json.h"
#include "libs/obs/span_metrics.h"
#include "libs/obs/span_queue_internal.h"

namespace vora::obs {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kBatch = 512;
constexpr milliseconds kBatchTime{1000};
constexpr milliseconds kCallTimeout{5000};
constexpr milliseconds kGiveUpAfter{30'000};  // one batch; the queue fills meanwhile
constexpr milliseconds kFirstPause{500}, kLongestPause{5000};
constexpr milliseconds kFlushTime{1000};  // libcurl looks once a second whether it is over
constexpr size_t kMaxAnswer = 64 << 10;

enum class Sent { kTaken, kAgain, kRefused };

bool IsLoopback(std::string_view url) {
  const std::string_view host = url.substr(std::min(url.size(), url.find("://") + 3));
  return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
}

size_t OnData(char* data, size_t size, size_t count, void* user) {
  auto* answer = static_cast<std::string*>(user);
  answer->append(data, std::min(size * count, kMaxAnswer - std::min(kMaxAnswer, answer->size())));
  return size * count;
}

}  // namespace

void OtlpSettings::Declare(SettingsSchema& schema) {
  schema.Add("VORA_OTLP_ENDPOINT", &endpoint,
             "Where spans are sent as OTLP over HTTP (JSON), http://host:4318; `/v1/traces` is appended. Empty: none are recorded");
  schema.Add("VORA_OTLP_SAMPLE_RATIO", &sample_ratio,
             "Share of new traces that are recorded, 0 to 1; a trace that came with its caller's decision keeps it");
}

Status OtlpSettings::Check() const {
  if (!(sample_ratio >= 0 && sample_ratio <= 1)) return InvalidField("VORA_OTLP_SAMPLE_RATIO", "must be 0 to 1");
  if (endpoint.empty()) return {};
  const bool http = endpoint.starts_with("http://") || endpoint.starts_with("https://");
  const size_t host = endpoint.find("://") + 3;
  if (!http || host >= endpoint.size() || endpoint.find_first_of(" \t\r\n?#@") != std::string::npos || endpoint[host] == '/') {
    return InvalidField("VORA_OTLP_ENDPOINT", "must be http(s)://host:port, without credentials, query or fragment");
  }
  return {};
}

struct SpanExporter::Impl {
  std::string url;
  OtlpResource resource;
  Counter& exported;
  Counter& dropped;
  CURL* easy = nullptr;
  std::atomic<steady_clock::duration> stop_at{steady_clock::duration::max()};  // since the clock's epoch
  bool was_down = false;
  std::thread thread;

  Impl(Counter& e, Counter& d) : exported(e), dropped(d) {}

  milliseconds Left() const {
    const auto stop = stop_at.load();
    if (stop == steady_clock::duration::max()) return kCallTimeout;
    return std::chrono::duration_cast<milliseconds>(stop - steady_clock::now().time_since_epoch());
  }
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Impl*>(self)->Left() <= milliseconds(0) ? 1 : 0;
  }

  Sent Post(const std::string& body, size_t spans);
  void Send(const std::vector<SpanRecord>& spans);
  void Run();
  void Down(const std::string& why);
};

void SpanExporter::Impl::Down(const std::string& why) {
  if (!was_down) log::Warn("spans cannot be sent; those that find no room are dropped", {{"endpoint", url}, {"error", why}});
  was_down = true;
}

Sent SpanExporter::Impl::Post(const std::string& body, size_t spans) {
  const milliseconds left = std::min(Left(), kCallTimeout);
  if (easy == nullptr || left <= milliseconds(0)) return Sent::kRefused;
  curl_easy_reset(easy);
  std::string answer;
  char error[CURL_ERROR_SIZE] = {};
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  headers = curl_slist_append(headers, "Expect:");
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(left, milliseconds(2000)).count()));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &OnData);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
  if (IsLoopback(url)) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  const CURLcode code = curl_easy_perform(easy);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nullptr);
  curl_slist_free_all(headers);
  if (code != CURLE_OK) {
    Down(error[0] != '\0' ? error : curl_easy_strerror(code));
    return Sent::kAgain;
  }
  if (status / 100 == 2) {
    const auto refused = std::min(RejectedSpans(answer), static_cast<int64_t>(spans));
    exported.Increment(static_cast<double>(spans) - static_cast<double>(refused));
    dropped.Increment(static_cast<double>(refused));
    if (was_down) log::Info("exporter recovered", {{"endpoint", url}});
    was_down = false;
    return Sent::kTaken;
  }
  Down("HTTP status " + std::to_string(status));
  const bool again = status == 429 || status == 502 || status == 503 || status == 504;
  return again ? Sent::kAgain : Sent::kRefused;
}

void SpanExporter::Impl::Send(const std::vector<SpanRecord>& spans) {
  if (spans.empty()) return;
  const std::string body = ToOtlpJson(resource, spans);
  const auto give_up = steady_clock::now() + kGiveUpAfter;
  milliseconds pause = kFirstPause;
  while (true) {
    const Sent sent = Post(body, spans.size());
    if (sent == Sent::kTaken) return;
    if (sent == Sent::kRefused || steady_clock::now() >= give_up || !SpanQueue::Instance().Pause(pause)) break;
    pause = std::min(pause * 2, kLongestPause);
  }
  dropped.Increment(static_cast<double>(spans.size()));
}

void SpanExporter::Impl::Run() {
  SpanQueue& queue = SpanQueue::Instance();
  while (queue.open()) Send(queue.Take(kBatch, kBatchTime));
  for (auto rest = queue.Take(kBatch, milliseconds(0)); !rest.empty(); rest = queue.Take(kBatch, milliseconds(0))) Send(rest);
}

SpanExporter::SpanExporter(const OtlpSettings& settings, std::string service_name, Metrics& metrics) {
  SetSampleRatio(settings.sample_ratio);
  if (settings.endpoint.empty()) return;
  impl_ = std::make_unique<Impl>(kSpansExported.In(metrics), kSpansDropped.In(metrics));
  impl_->url = settings.endpoint;
  while (impl_->url.ends_with('/')) impl_->url.pop_back();
  if (!impl_->url.ends_with("/v1/traces")) impl_->url += "/v1/traces";
  impl_->resource = {std::move(service_name), std::string(Version()), NewId()};
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)initialised;
  impl_->easy = curl_easy_init();
  SpanQueue::Instance().Open(impl_->dropped);
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

SpanExporter::~SpanExporter() {
  if (!impl_) return;
  impl_->stop_at = (steady_clock::now() + kFlushTime).time_since_epoch();
  SpanQueue::Instance().Close();
  impl_->thread.join();
  curl_easy_cleanup(impl_->easy);
}

}  // namespace vora::obs
