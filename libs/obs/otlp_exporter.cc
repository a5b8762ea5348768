#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "libs/core/version.h"
#include "libs/curl/handle.h"
#include "libs/curl/url.h"
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
constexpr milliseconds kCallTimeout{5000}, kConnectTimeout{2000};
constexpr milliseconds kGiveUpAfter{30'000};  // one batch; the queue fills meanwhile
constexpr milliseconds kFirstPause{500}, kLongestPause{5000};
constexpr milliseconds kFlushTime{1000};  // libcurl looks once a second whether it is over
constexpr size_t kMaxAnswer = 64 << 10;

enum class Sent { kTaken, kAgain, kRefused };

}  // namespace

void OtlpSettings::Declare(SettingsSchema& schema) {
  schema.Add("VORA_OTLP_ENDPOINT", &endpoint,
             "Where spans are sent as OTLP over HTTP (JSON), http://host:4318; `/v1/traces` is appended. Empty: none are recorded");
  schema.Add("VORA_OTLP_SAMPLE_RATIO", &sample_ratio,
             "Share of new traces that are recorded, 0 to 1; a trace that came with its caller's decision keeps it");
}

Status OtlpSettings::Check() const {
  if (!(sample_ratio >= 0 && sample_ratio <= 1)) return InvalidField("VORA_OTLP_SAMPLE_RATIO", "must be 0 to 1");
  return endpoint.empty() ? Status() : curl::CheckServerUrl("VORA_OTLP_ENDPOINT", endpoint);
}

struct SpanExporter::Impl {
  std::string url;
  OtlpResource resource;
  Counter& exported;
  Counter& dropped;
  curl::Handle handle;
  std::atomic<steady_clock::duration> stop_at{steady_clock::duration::max()};  // since the clock's epoch
  bool was_down = false;
  std::thread thread;

  Impl(Counter& e, Counter& d) : exported(e), dropped(d) {}

  milliseconds Left() const {
    const auto stop = stop_at.load();
    if (stop == steady_clock::duration::max()) return kCallTimeout;
    return std::chrono::duration_cast<milliseconds>(stop - steady_clock::now().time_since_epoch());
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
  if (!handle.ok() || left <= milliseconds(0)) return Sent::kRefused;
  std::string answer;
  handle.Begin(url);
  handle.AddHeader("Content-Type", "application/json");
  handle.OmitHeader("Expect");
  handle.Method("POST");
  handle.Body(body);
  handle.Timeouts(left, std::min(left, kConnectTimeout));
  handle.OnBody([&answer](std::string_view piece) {
    answer.append(piece.substr(0, kMaxAnswer - std::min(kMaxAnswer, answer.size())));
    return piece.size();
  });
  handle.CancelWhen([this] { return Left() <= milliseconds(0); });
  if (const Status sent = handle.Perform("the collector"); !sent.ok()) {
    Down(Message(sent));
    return Sent::kAgain;
  }
  const int status = handle.http_status();
  if (status / 100 == 2) {
    // A partial success is not to be repeated: the collector has kept the rest.
    const auto refused = std::min(RejectedSpans(answer), static_cast<int64_t>(spans));
    exported.Increment(static_cast<double>(spans) - static_cast<double>(refused));
    dropped.Increment(static_cast<double>(refused));
    if (was_down) log::Info("exporter recovered", {{"endpoint", url}});
    was_down = false;
    return Sent::kTaken;
  }
  Down("HTTP status " + std::to_string(status));
  // Those that the OTLP specification calls retryable; any other refusal would come again for the same spans.
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
  SpanQueue::Instance().Open(impl_->dropped);
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

SpanExporter::~SpanExporter() {
  if (!impl_) return;
  // Before the queue is closed, which wakes the thread: it must not begin another call of five seconds.
  impl_->stop_at = (steady_clock::now() + kFlushTime).time_since_epoch();
  SpanQueue::Instance().Close();
  impl_->thread.join();
}

}  // namespace vora::obs
