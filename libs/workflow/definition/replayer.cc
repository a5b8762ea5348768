#include "libs/workflow/definition/replayer.h"

#include "libs/workflow/definition/recent_events.h"
#include "libs/workflow/definition/run_state_internal.h"

namespace vora::workflow {
namespace {

// Held to what the allocator says by a test. An activity or a timer that is open has three entries, and its names and options beside its
// frame; what a definition reads from a text takes about as much again as the text.
constexpr size_t kOwnBytes = 3500;
constexpr size_t kBytesPerEntry = 400;
constexpr int64_t kBytesPerTextByte = 2;

int64_t TargetOf(const Event& event) {
  for (const char* key : {"scheduled_event_id", "started_event_id"}) {
    const auto found = event.attributes.find(key);
    if (found != event.attributes.end() && found->is_number_integer()) return found->get<int64_t>();
  }
  return 0;
}

size_t TextBytesOf(const nlohmann::json& attributes) {
  size_t bytes = 0;
  for (const char* key : {"input", "result"}) {
    const auto found = attributes.find(key);
    if (found != attributes.end() && found->is_string()) bytes += found->get_ref<const std::string&>().size();
  }
  return bytes;
}

// Those of the texts that an input brings, and that its items bring.
int64_t TextBytes(const Event& event) {
  size_t bytes = TextBytesOf(event.attributes);
  const auto items = event.attributes.find("items");
  if (items != event.attributes.end()) {
    for (const auto& item : *items) bytes += TextBytesOf(item);
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace

Replayer::Replayer() = default;
Replayer::~Replayer() = default;

StatusOr<std::unique_ptr<Replayer>> Replayer::Create(const Registry& registry, RunInfo info) {
  const auto* definition = registry.Find(info.type);
  if (!definition) return NotFound("no workflow of type " + info.type + " is registered");
  std::unique_ptr<Replayer> replayer(new Replayer());
  replayer->state_ = std::make_unique<RunState>(std::move(info), *definition);
  replayer->recent_ = std::make_unique<RecentEvents>();
  return replayer;
}

size_t Replayer::Bytes() const {
  return kOwnBytes + static_cast<size_t>(frame_bytes_ + kBytesPerTextByte * text_bytes_) + kBytesPerEntry * state_->Remembered();
}

bool Replayer::closed() const { return state_->closed(); }

Status Replayer::Mismatch(const Event& event, const IssuedCommand* issued) const {
  const std::string history = EventSummary(event).Text();
  const std::string code = issued ? EventSummary(event.id, *issued).Text() : "nothing";
  return FailedPrecondition("nondeterminism: history has event " + std::to_string(event.id) + " " + history + ", but the code issued " +
                            code + recent_->Compare(event.id, history, code));
}

Status Replayer::Apply(const Event& event) {
  if (event.id != length_ + 1) {
    return Internal("history has a gap: event " + std::to_string(event.id) + " after " + std::to_string(length_));
  }
  const IssuedCommand* next = state_->NextCommand();
  if (!IsCommandEvent(event.type)) {
    // An input may come only when every command has its event: commands are recorded by the transition that caused them, so one left over
    // was not issued when the history was made.
    if (next) return Mismatch(event, next);
    const int64_t frames = internal::frame_bytes;
    const Status delivered = state_->Deliver(event);
    frame_bytes_ += internal::frame_bytes - frames;
    text_bytes_ += TextBytes(event);
    if (!delivered.ok()) {
      return FailedPrecondition(Message(delivered) + recent_->Compare(event.id, EventSummary(event).Text(), ""));
    }
    recent_->Add(EventSummary(event));
    length_ = event.id;
    return {};
  }
  if (!next || !next->Matches(event)) return Mismatch(event, next);
  const IssuedCommand command = state_->Record(event.id);
  // What a cancel is about is known by event id only once it is recorded, so it is compared after the rest.
  if (command.target_event != TargetOf(event)) return Mismatch(event, &command);
  recent_->Add({event.id, command});
  length_ = event.id;
  return {};
}

std::vector<RecordedCommand> Replayer::TakeCommands() {
  std::vector<RecordedCommand> commands;
  while (state_->NextCommand()) {
    const int64_t id = ++length_;
    IssuedCommand issued = state_->Record(id);
    recent_->Add({id, issued});
    commands.push_back({id, std::move(issued).ToCommand()});
  }
  return commands;
}

Status Replayer::CheckEnd() const {
  const IssuedCommand* extra = state_->NextCommand();
  if (!extra) return {};
  const std::string code = EventSummary(length_ + 1, *extra).Text();
  return FailedPrecondition("nondeterminism: history ends, but the code issued " + code + recent_->Compare(length_ + 1, "", code));
}

Status CheckReplay(const Registry& registry, const RunInfo& info, const std::vector<Event>& history) {
  VORA_ASSIGN_OR_RETURN(auto replayer, Replayer::Create(registry, info));
  for (const auto& event : history) VORA_RETURN_IF_ERROR(replayer->Apply(event));
  return replayer->CheckEnd();
}

}  // namespace vora::workflow
