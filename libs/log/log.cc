#include "libs/log/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "libs/core/clock.h"

namespace vora::log {
namespace {

// Replaces bytes that are not UTF-8, so that a line is always valid JSON.
std::string Quote(std::string_view text) { return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

std::string ToJson(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return Quote(*text);
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  const double number = std::get<double>(value);
  // JSON has no word for infinity or NaN.
  return std::isfinite(number) ? nlohmann::json(number).dump() : "null";
}

struct State {
  State() : logger("vora", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger.set_pattern("%v");
    // Line by line: the last ones before a crash or SIGKILL are those that matter.
    logger.flush_on(spdlog::level::trace);
  }
  spdlog::logger logger;
  std::string service = Quote("vora");
};

// Never destroyed: other static objects may log while the program ends.
State& Global() {
  static State& state = *new State;
  return state;
}

TraceIds& MutableThreadTrace() {
  thread_local TraceIds ids;
  return ids;
}

void Write(spdlog::level::level_enum level, std::string_view level_name, std::string_view message, Fields fields) {
  State& state = Global();
  if (!state.logger.should_log(level)) return;
  std::string line = "{\"ts\":\"" + FormatRfc3339(std::chrono::system_clock::now()) + "\",\"level\":\"";
  line.append(level_name).append("\",\"service\":").append(state.service).append(",\"msg\":").append(Quote(message));
  if (const TraceIds& trace = ThreadTrace(); !trace.trace_id.empty()) {
    line.append(",\"trace_id\":").append(Quote(trace.trace_id)).append(",\"span_id\":").append(Quote(trace.span_id));
  }
  for (const auto& field : fields) line.append(",").append(Quote(field.key)).append(":").append(ToJson(field.value));
  line.push_back('}');
  state.logger.log(level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void Init(std::string_view service, std::string_view level) {
  State& state = Global();
  state.service = Quote(service);
  state.logger.set_level(level == "debug"   ? spdlog::level::debug
                         : level == "warn"  ? spdlog::level::warn
                         : level == "error" ? spdlog::level::err
                                            : spdlog::level::info);
}

void Debug(std::string_view message, Fields fields) { Write(spdlog::level::debug, "debug", message, fields); }
void Info(std::string_view message, Fields fields) { Write(spdlog::level::info, "info", message, fields); }
void Warn(std::string_view message, Fields fields) { Write(spdlog::level::warn, "warn", message, fields); }
void Error(std::string_view message, Fields fields) { Write(spdlog::level::err, "error", message, fields); }

void SetThreadTrace(TraceIds ids) { MutableThreadTrace() = std::move(ids); }
const TraceIds& ThreadTrace() { return MutableThreadTrace(); }

}  // namespace vora::log
