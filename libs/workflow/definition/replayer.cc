#include "libs/workflow/definition/replayer.h"

#include "libs/workflow/definition/run_state_internal.h"

namespace vora::workflow {
namespace {

std::string Describe(v1::EventType type, const nlohmann::json& attributes) {
  std::string text = EventTypeName(type);
  for (const char* key : {"activity_type", "activity_id", "timer_id", "scheduled_event_id", "started_event_id"}) {
    const auto it = attributes.find(key);
    if (it == attributes.end()) continue;
    text += std::string(" ") + key + "=" + (it->is_string() ? it->get<std::string>() : it->dump());
  }
  return text;
}

Status Mismatch(const Event& event, const std::string& code_did) {
  return FailedPrecondition("nondeterminism: history has event " + std::to_string(event.id) + " " + Describe(event.type, event.attributes) +
                            ", but the code " + code_did);
}

// Inputs and options may change with the code; what was asked for may not.
bool SameCommand(const Command& command, const Event& event) {
  if (command.type != event.type) return false;
  for (const char* key : {"activity_type", "activity_id", "timer_id"}) {
    if (command.attributes.value(key, "") != event.attributes.value(key, "")) return false;
  }
  return true;
}

}  // namespace

Replayer::Replayer() = default;
Replayer::~Replayer() = default;

StatusOr<std::unique_ptr<Replayer>> Replayer::Create(const Registry& registry, RunInfo info) {
  const auto* definition = registry.Find(info.type);
  if (!definition) return NotFound("no workflow of type " + info.type + " is registered");
  std::unique_ptr<Replayer> replayer(new Replayer());
  replayer->state_ = std::make_unique<RunState>(std::move(info), *definition);
  return replayer;
}

bool Replayer::closed() const { return state_->closed(); }

Status Replayer::Apply(const Event& event) {
  if (event.id != length_ + 1) {
    return Internal("history has a gap: event " + std::to_string(event.id) + " after " + std::to_string(length_));
  }
  const IssuedCommand* next = state_->NextCommand();
  if (!IsCommandEvent(event.type)) {
    // An input may come only when every command has its event: commands are recorded by the transition that caused them, so one left over
    // was not issued when the history was made.
    if (next) return Mismatch(event, "issued " + Describe(next->command.type, next->command.attributes));
    VORA_RETURN_IF_ERROR(state_->Deliver(event));
    length_ = event.id;
    return {};
  }
  if (!next) return Mismatch(event, "issued nothing");
  if (!SameCommand(next->command, event)) {
    return Mismatch(event, "issued " + Describe(next->command.type, next->command.attributes));
  }
  // What a cancel is about is known by event id only once it is recorded, so it is compared after SameCommand.
  const Command command = state_->Record(event.id);
  for (const char* key : {"scheduled_event_id", "started_event_id"}) {
    if (command.attributes.value(key, int64_t{0}) != event.attributes.value(key, int64_t{0})) {
      return Mismatch(event, "issued " + Describe(command.type, command.attributes));
    }
  }
  length_ = event.id;
  return {};
}

std::vector<RecordedCommand> Replayer::TakeCommands() {
  std::vector<RecordedCommand> commands;
  while (state_->NextCommand()) {
    const int64_t id = ++length_;
    commands.push_back({id, state_->Record(id)});
  }
  return commands;
}

Status CheckReplay(const Registry& registry, const RunInfo& info, const std::vector<Event>& history) {
  VORA_ASSIGN_OR_RETURN(auto replayer, Replayer::Create(registry, info));
  for (const auto& event : history) VORA_RETURN_IF_ERROR(replayer->Apply(event));
  const auto extra = replayer->TakeCommands();
  if (extra.empty()) return {};
  return FailedPrecondition("nondeterminism: history ends, but the code issued " +
                            Describe(extra[0].command.type, extra[0].command.attributes));
}

}  // namespace vora::workflow
