#include "libs/obs/trace.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

#include "libs/core/ids.h"
#include "libs/log/log.h"

namespace vora::obs {
namespace {

std::optional<TraceContext>& ThreadContext() {
  thread_local std::optional<TraceContext> context;
  return context;
}

// Traces whose last 56 random bits lie below are recorded, so that all who share a ratio decide alike.
constexpr uint64_t kRandomRange = uint64_t{1} << 56;
std::atomic<uint64_t> sample_below{kRandomRange};

bool SampledByRatio(const std::string& trace_id) {
  const uint64_t below = sample_below.load(std::memory_order_relaxed);
  if (below >= kRandomRange) return true;
  uint64_t random = 0;
  const char* end = trace_id.data() + trace_id.size();
  std::from_chars(end - 14, end, random, 16);
  return random < below;
}

bool IsLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '0'; });
}

}  // namespace

TraceContext TraceContext::NewRoot() {
  TraceContext root{RandomHex(16), RandomHex(8), true};
  root.sampled = SampledByRatio(root.trace_id);
  return root;
}

void SetSampleRatio(double ratio) {
  sample_below = static_cast<uint64_t>(std::llround(std::clamp(ratio, 0.0, 1.0) * static_cast<double>(kRandomRange)));
}

std::optional<TraceContext> TraceContext::Parse(std::string_view traceparent) {
  // version "-" trace-id "-" parent-id "-" flags; later versions may append more after another dash.
  if (traceparent.size() < 55 || traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') return std::nullopt;
  const auto version = traceparent.substr(0, 2);
  const auto trace_id = traceparent.substr(3, 32);
  const auto span_id = traceparent.substr(36, 16);
  const auto flags = traceparent.substr(53, 2);
  if (!IsLowerHex(version) || !IsLowerHex(trace_id) || !IsLowerHex(span_id) || !IsLowerHex(flags)) return std::nullopt;
  // Forbidden by W3C Trace Context (section 3.2.2): who got such ids begins a trace of his own.
  if (version == "ff" || IsZero(trace_id) || IsZero(span_id)) return std::nullopt;
  if (version == "00" ? traceparent.size() != 55 : (traceparent.size() > 55 && traceparent[55] != '-')) return std::nullopt;
  const char low = flags[1];
  const int bits = low <= '9' ? low - '0' : low - 'a' + 10;
  return TraceContext{std::string(trace_id), std::string(span_id), (bits & 1) != 0};
}

std::string TraceContext::ToTraceparent() const { return "00-" + trace_id + "-" + span_id + (sampled ? "-01" : "-00"); }

TraceContext TraceContext::Child() const { return {trace_id, RandomHex(8), sampled}; }

void SetCurrentTrace(std::optional<TraceContext> context) {
  log::SetThreadTrace(context ? log::TraceIds{context->trace_id, context->span_id} : log::TraceIds{});
  ThreadContext() = std::move(context);
}

TraceScope::TraceScope(TraceContext context) : previous_(ThreadContext()) { SetCurrentTrace(std::move(context)); }

TraceScope::~TraceScope() { SetCurrentTrace(std::move(previous_)); }

TraceContext CurrentTrace() {
  const auto& context = ThreadContext();
  return context ? *context : TraceContext::NewRoot();
}

bool HasCurrentTrace() { return ThreadContext().has_value(); }

TraceContext ContinueTrace(std::string_view traceparent) {
  const auto parent = TraceContext::Parse(traceparent);
  return parent ? parent->Child() : TraceContext::NewRoot();
}

}  // namespace vora::obs
