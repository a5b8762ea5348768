#include "services/orchestrator/workflows/policies.h"

namespace vora::workflows {
namespace {

using workflow::v1::ActivityOptions;

constexpr int kUnlimited = 1'000'000'000;
// How much slower than estimated an attempt may be: the audio of a film of 24 hours takes more than half an hour on a busy machine.
constexpr double kPatience = 4;

}  // namespace

ActivityOptions MediaOptions(int priority, double estimated_cost) {
  ActivityOptions options;
  options.set_queue("transcode");
  options.set_priority(priority);
  options.set_estimated_cost(estimated_cost);
  options.mutable_heartbeat_timeout()->set_seconds(10);
  options.mutable_start_to_close_timeout()->set_seconds(30 * 60 + static_cast<int64_t>(kPatience * estimated_cost));
  options.mutable_retry()->mutable_initial_interval()->set_seconds(1);
  options.mutable_retry()->set_maximum_attempts(5);
  options.mutable_retry()->add_non_retryable_error_types("media.*");
  return options;
}

ActivityOptions ChunkOptions(int index, double estimated_cost) {
  ActivityOptions options = MediaOptions(kFirstChunkPriority - index, estimated_cost);
  options.set_first_play(index == 0);
  options.set_second_attempt(true);
  return options;
}

ActivityOptions ImportOptions() {
  ActivityOptions options;
  options.set_queue("import");
  options.mutable_heartbeat_timeout()->set_seconds(10);
  options.mutable_start_to_close_timeout()->set_seconds(7 * 24 * 3600);
  options.mutable_retry()->set_maximum_attempts(1500);
  options.mutable_retry()->set_maximum_losses(kUnlimited);
  options.mutable_retry()->mutable_initial_interval()->set_seconds(1);
  options.mutable_retry()->mutable_maximum_interval()->set_seconds(60);
  options.mutable_retry()->add_non_retryable_error_types("import.changed");
  return options;
}

ActivityOptions Reading(const std::string& source_key, ActivityOptions options) {
  // As libs/sources/pinned_file.h writes them.
  if (!source_key.starts_with("source://")) return options;
  options.mutable_retry()->set_maximum_attempts(8);
  options.mutable_retry()->mutable_initial_interval()->set_seconds(5);
  options.mutable_retry()->mutable_maximum_interval()->set_seconds(15 * 60);
  options.mutable_retry()->set_backoff_coefficient(3);
  return options;
}

ActivityOptions DeleteOptions() {
  ActivityOptions options;
  options.set_queue("transcode");
  options.mutable_heartbeat_timeout()->set_seconds(10);
  options.mutable_start_to_close_timeout()->set_seconds(10 * 60);
  options.mutable_retry()->set_maximum_losses(kUnlimited);
  options.mutable_retry()->mutable_initial_interval()->set_seconds(1);
  options.mutable_retry()->mutable_maximum_interval()->set_seconds(60);
  return options;
}

ActivityOptions MetadataOptions() {
  ActivityOptions options;
  options.set_queue("metadata");
  options.mutable_heartbeat_timeout()->set_seconds(5);
  options.mutable_start_to_close_timeout()->set_seconds(10);
  options.mutable_retry()->set_maximum_losses(kUnlimited);
  options.mutable_retry()->mutable_initial_interval()->set_seconds(1);
  options.mutable_retry()->mutable_maximum_interval()->set_seconds(5);
  return options;
}

}  // namespace vora::workflows
