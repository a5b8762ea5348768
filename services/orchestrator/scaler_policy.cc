#include "services/orchestrator/scaler_policy.h"

#include "libs/core/error.h"

#include <charconv>
#include <cmath>

namespace vora::orchestrator {
namespace {

constexpr size_t kMaxQueueName = 200;
constexpr double kMaxTarget = 86'400;

StatusOr<std::string> Required(const std::map<std::string, std::string>& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  if (found == metadata.end() || found->second.empty()) return InvalidField(key, "missing in the trigger's metadata");
  return found->second;
}

bool IsLetterOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

StatusOr<ScalerTrigger> ParseTrigger(const std::map<std::string, std::string>& metadata) {
  ScalerTrigger trigger;
  VORA_ASSIGN_OR_RETURN(trigger.queue, Required(metadata, "queue"));
  if (trigger.queue.size() > kMaxQueueName) return InvalidField("queue", "must have 1 to 200 characters");
  VORA_ASSIGN_OR_RETURN(const std::string target, Required(metadata, "targetEncodeSeconds"));
  const char* end = target.data() + target.size();
  const auto [parsed, error] = std::from_chars(target.data(), end, trigger.target_encode_seconds);
  const bool valid = error == std::errc() && parsed == end && std::isfinite(trigger.target_encode_seconds);
  if (!valid || trigger.target_encode_seconds <= 0 || trigger.target_encode_seconds > kMaxTarget) {
    return InvalidField("targetEncodeSeconds", "must be a number of seconds above 0, up to 86400");
  }
  return trigger;
}

QueueLoad LoadOf(const workflow::v1::DescribeQueuesResponse& queues, const std::string& queue) {
  for (const auto& info : queues.queues()) {
    if (info.name() != queue) continue;
    // More workers would begin nothing.
    if (info.settings().paused()) return {info.running(), info.running_cost()};
    // Also what runs: while a worker has something to do, it must not be scaled away.
    return {info.ready() + info.delayed() + info.running(), info.estimated_cost() + info.running_cost()};
  }
  return {};
}

std::string MetricName(const std::string& queue) {
  std::string name = "vora-encode-seconds-" + queue;
  for (char& c : name) {
    if (!IsLetterOrDigit(c)) c = '-';
  }
  return name;
}

}  // namespace vora::orchestrator
