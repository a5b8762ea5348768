#pragma once

// W3C Trace Context (https://www.w3.org/TR/trace-context/), carried through HTTP headers, gRPC metadata and PostgreSQL rows.

#include <optional>
#include <string>
#include <string_view>

namespace vora::obs {

struct TraceContext {
  std::string trace_id;  // 32 hex digits
  std::string span_id;   // 16 hex digits
  bool sampled = true;

  // Sampled by the ratio set with SetSampleRatio (all of them until then).
  static TraceContext NewRoot();
  // nullopt when the header is malformed: then start a new root.
  static std::optional<TraceContext> Parse(std::string_view traceparent);
  std::string ToTraceparent() const;  // 00-{trace_id}-{span_id}-01
  TraceContext Child() const;         // same trace, new span id
};

// Makes `context` the thread's current one (for logs and outgoing calls) while it lives. Do not hold across a co_await.
class TraceScope {
 public:
  explicit TraceScope(TraceContext context);
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

 private:
  std::optional<TraceContext> previous_;
};

// Sets (or clears) the thread's context without a scope: for entry points that cannot hold one, such as interceptors.
void SetCurrentTrace(std::optional<TraceContext> context);
// The thread's context, or a new root when there is none.
TraceContext CurrentTrace();
// Whether the thread works under a trace: what belongs to none (a poll, a sweep) need not begin one.
bool HasCurrentTrace();
// The share of new traces that are recorded, 0 to 1, for the whole process. Decided by the trace id alone.
void SetSampleRatio(double ratio);
// Child of `traceparent` if it parses, else a new root.
TraceContext ContinueTrace(std::string_view traceparent);

}  // namespace vora::obs
