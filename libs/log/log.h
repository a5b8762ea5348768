#pragma once

// JSON logs on stderr, one object per line: ts, level, service, msg, trace_id, span_id (of the current TraceScope), fields.
// Thread-safe. Never give it secrets.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace vora::log {

enum class Level { kDebug, kInfo, kWarn, kError };

using Value = std::variant<std::string, int64_t, double, bool>;
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, int v) : key(k), value(static_cast<int64_t>(v)) {}
  Field(std::string_view k, long v) : key(k), value(static_cast<int64_t>(v)) {}
  Field(std::string_view k, long long v) : key(k), value(static_cast<int64_t>(v)) {}
  Field(std::string_view k, unsigned v) : key(k), value(static_cast<int64_t>(v)) {}
  Field(std::string_view k, unsigned long v) : key(k), value(static_cast<int64_t>(v)) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  std::string key;
  Value value;
};
using Fields = std::initializer_list<Field>;

// Call once in main. `level`: debug, info, warn, error. Before Init, logs go out with service "vora".
void Init(std::string_view service, std::string_view level);

void Debug(std::string_view message, Fields fields = {});
void Info(std::string_view message, Fields fields = {});
void Warn(std::string_view message, Fields fields = {});
void Error(std::string_view message, Fields fields = {});

// The trace context that log lines of this thread carry. libs/obs sets it.
struct TraceIds {
  std::string trace_id, span_id;
};
void SetThreadTrace(TraceIds ids);
const TraceIds& ThreadTrace();

}  // namespace vora::log
