#pragma once

// Spans: what happened under a trace, from when to when. Recorded by the servers and clients of libs/http and libs/rpc and by hand
// where work crosses a queue; exported as OTLP when an exporter is set, else dropped at once at no cost.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/obs/trace.h"
#include "libs/settings/settings.h"

namespace vora::obs {

enum class SpanKind { kInternal, kServer, kClient, kProducer, kConsumer };

struct SpanRecord {
  std::string name;  // low cardinality: "PATCH /files/{id}", "vora.workflow.v1.ActivityService/Poll", "activity encode"
  SpanKind kind = SpanKind::kInternal;
  TraceContext context;        // the span's own ids
  std::string parent_span_id;  // empty: a root
  SystemTime start, end;
  bool failed = false;
  std::string error;                                            // of a failed span: code and message, no secrets
  std::vector<std::pair<std::string, std::string>> attributes;  // OpenTelemetry semantic conventions where they have a name
};

// Hands the span to the exporter. Never blocks, never fails: a full queue drops it and counts that (vora_spans_dropped_total).
void RecordSpan(SpanRecord span);
// Whether an exporter is set and this trace is sampled; lets callers skip building attributes.
bool RecordsSpans(const TraceContext& context);
// Whether what this thread does now is recorded: an exporter is set, and the thread works under a sampled trace.
bool RecordsCurrentTrace();
// Records what this thread has just done and nothing continues: a child of its trace, from `start` to now. Nothing without a trace.
void RecordStep(std::string name, SpanKind kind, SystemTime start, const Status& status,
                std::vector<std::pair<std::string, std::string>> attributes = {});
// The id of the span that `traceparent` names, or "" when it is malformed.
std::string SpanIdOf(std::string_view traceparent);

// A span of the current scope: child of the thread's current trace, which it becomes until the end; a root when there is none. Do not hold
// across a co_await.
class Span {
 public:
  Span(std::string name, SpanKind kind);
  // Child of `parent`, for work that continues a trace read from a row or a message.
  Span(std::string name, SpanKind kind, std::string_view traceparent);
  ~Span();
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
  void Set(std::string key, std::string value);
  void Fail(const Status& status);
  const TraceContext& context() const { return record_.context; }

 private:
  SpanRecord record_;
  TraceScope scope_;
};

struct OtlpSettings {
  std::string endpoint;       // VORA_OTLP_ENDPOINT: http(s)://host:4318; empty: no export
  double sample_ratio = 1.0;  // VORA_OTLP_SAMPLE_RATIO of new traces; a trace that came with a decision keeps it
  void Declare(SettingsSchema& schema);
  Status Check() const;
};

// Sends spans in batches from a thread of its own (OTLP/HTTP with JSON, POST {endpoint}/v1/traces), retries for a while, drops then;
// flushes when destroyed (at most 2 s). One per process while it lives. Without an endpoint it does nothing but set the sampling.
class SpanExporter {
 public:
  SpanExporter(const OtlpSettings& settings, std::string service_name, Metrics& metrics);
  ~SpanExporter();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::obs
