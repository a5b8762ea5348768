#include "libs/obs/span.h"

#include <algorithm>

#include "libs/obs/span_queue_internal.h"

namespace vora::obs {
namespace {

SpanRecord Begin(std::string name, SpanKind kind, TraceContext context, std::string parent) {
  SpanRecord record;
  record.name = std::move(name);
  record.kind = kind;
  record.context = std::move(context);
  record.parent_span_id = std::move(parent);
  record.start = std::chrono::system_clock::now();
  return record;
}

SpanRecord BeginChild(std::string name, SpanKind kind) {
  if (!HasCurrentTrace()) return Begin(std::move(name), kind, TraceContext::NewRoot(), "");
  TraceContext current = CurrentTrace();
  // A span that nobody will see must not stand between those who record.
  if (!RecordsSpans(current)) return Begin(std::move(name), kind, std::move(current), "");
  return Begin(std::move(name), kind, current.Child(), current.span_id);
}

}  // namespace

SpanQueue& SpanQueue::Instance() {
  static SpanQueue queue;
  return queue;
}

void SpanQueue::Open(Counter& dropped) {
  const std::lock_guard lock(mutex_);
  dropped_ = &dropped;
  open_ = true;
}

void SpanQueue::Close() {
  const std::lock_guard lock(mutex_);
  // The counter belongs to metrics that may go before the queue, which lives as long as the process.
  dropped_ = nullptr;
  open_ = false;
  changed_.notify_all();
}

void SpanQueue::Push(SpanRecord span) {
  const std::lock_guard lock(mutex_);
  if (!open_) return;
  if (spans_.size() >= kMaxSpans) return dropped_->Increment();
  spans_.push_back(std::move(span));
  // Once per batch: to wake the thread for each span would cost every caller a system call.
  if (spans_.size() == wake_at_) changed_.notify_all();
}

std::vector<SpanRecord> SpanQueue::Take(size_t batch, std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  wake_at_ = batch;
  changed_.wait_for(lock, time, [&] { return !open_ || spans_.size() >= batch; });
  const auto end = spans_.begin() + static_cast<std::ptrdiff_t>(std::min(batch, spans_.size()));
  std::vector<SpanRecord> taken(std::make_move_iterator(spans_.begin()), std::make_move_iterator(end));
  spans_.erase(spans_.begin(), end);
  return taken;
}

bool SpanQueue::Pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [&] { return !open_.load(); });
}

void RecordSpan(SpanRecord span) {
  if (!RecordsSpans(span.context)) return;
  span.end = std::max(span.start, span.end);  // the clock may have been set back meanwhile
  SpanQueue::Instance().Push(std::move(span));
}

bool RecordsSpans(const TraceContext& context) { return SpanQueue::Instance().open() && context.sampled; }

bool RecordsCurrentTrace() { return SpanQueue::Instance().open() && HasCurrentTrace() && CurrentTrace().sampled; }

void RecordStep(std::string name, SpanKind kind, SystemTime start, const Status& status,
                std::vector<std::pair<std::string, std::string>> attributes) {
  if (!RecordsCurrentTrace()) return;
  SpanRecord span = BeginChild(std::move(name), kind);
  span.start = start;
  span.end = std::chrono::system_clock::now();
  span.failed = !status.ok();
  if (span.failed) span.error = ToText(status);
  span.attributes = std::move(attributes);
  RecordSpan(std::move(span));
}

std::string SpanIdOf(std::string_view traceparent) {
  auto context = TraceContext::Parse(traceparent);
  return context ? std::move(context->span_id) : std::string();
}

Span::Span(std::string name, SpanKind kind) : record_(BeginChild(std::move(name), kind)), scope_(record_.context) {}

Span::Span(std::string name, SpanKind kind, std::string_view traceparent)
    : record_(Begin(std::move(name), kind, ContinueTrace(traceparent), SpanIdOf(traceparent))), scope_(record_.context) {}

Span::~Span() {
  if (!RecordsSpans(record_.context)) return;
  record_.end = std::chrono::system_clock::now();
  RecordSpan(std::move(record_));
}

void Span::Set(std::string key, std::string value) {
  if (RecordsSpans(record_.context)) record_.attributes.emplace_back(std::move(key), std::move(value));
}

void Span::Fail(const Status& status) {
  if (status.ok()) return;
  record_.failed = true;
  if (RecordsSpans(record_.context)) record_.error = ToText(status);
}

}  // namespace vora::obs
