#include "services/amqp-bridge/bridge.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "libs/core/clock.h"
#include "libs/core/time.h"
#include "libs/log/log.h"
#include "libs/obs/span.h"
#include "libs/run/retry.h"
#include "services/amqp-bridge/metrics.h"
#include "services/amqp-bridge/replies.h"

namespace vora::amqp {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kSettled{10};
constexpr RetryOptions kReconnect{.max_attempts = 1 << 30, .initial = milliseconds{200}, .max = milliseconds{5000}, .multiplier = 2.0};
constexpr RetryOptions kTryAgain{.max_attempts = 1 << 30, .initial = milliseconds{500}, .max = milliseconds{15'000}, .multiplier = 2.0};
constexpr milliseconds kPatience{100};  // for the broker, while nothing else is to be done
constexpr milliseconds kFetchPause{500};
constexpr size_t kMostOpenEvents = 500;
// A task that cannot be decided is held for so long, and then goes to the end of the queue, so that those behind it have their turn.
constexpr std::chrono::seconds kHold{30};
constexpr char kUndecidedSince[] = "vora-undecided-since";  // the header of such a task
constexpr int kAttemptsBefore = 5;                          // that such a task is thought to have had

std::string Now() { return FormatRfc3339(Clock::Real().Now()); }

std::string HeaderOf(const Message& message, const std::string& name) {
  const auto found = message.headers.find(name);
  return found == message.headers.end() ? "" : found->second;
}

bool HasNewUrls(const metadata::v1::Event& event) { return event.type() == "video.partially_ready" || event.type() == "video.ready"; }

}  // namespace

Bridge::Bridge(BridgeSettings settings, BrokerOptions options, obs::Metrics& metrics)
    : settings_(std::move(settings)),
      options_(std::move(options)),
      metrics_(metrics),
      metadata_(settings_),
      broker_("the broker " + options_.host + ":" + std::to_string(options_.port), "not reached yet"),
      imports_("metadata"),
      events_("metadata's events", "not asked for yet"),
      thread_("amqp", [this] { return Step(); }) {}

Bridge::~Bridge() { Stop(); }

StatusOr<std::shared_ptr<Bridge>> Bridge::Start(const BridgeSettings& settings, obs::Metrics& metrics) {
  VORA_ASSIGN_OR_RETURN(BrokerOptions options, settings.Broker());
  auto bridge = std::shared_ptr<Bridge>(new Bridge(settings, std::move(options), metrics));
  kConnected.In(metrics).Set(0);
  bridge->thread_.Start();
  return bridge;
}

void Bridge::Stop() {
  thread_.Stop();
  // With a goodbye, so that the broker hands out at once what was not acknowledged.
  connection_.reset();
  (void)AcknowledgeEvents();
}

Status Bridge::MetadataHealth() const {
  VORA_RETURN_IF_ERROR(imports_.Health());
  return events_.Health();
}

milliseconds Bridge::Step() {
  if (connection_ == nullptr) {
    if (const milliseconds pause = Connect(); pause > milliseconds(0)) return pause;
  }
  const Status turn = Turn();
  // What made the broker end a connection may do so again at once: only one that has lasted for a while begins anew without a pause.
  if (steady_clock::now() - connected_at_ > kSettled) connect_attempts_ = 0;
  if (!turn.ok()) {
    Disconnect(turn);
    return BackoffDelay(kReconnect, ++connect_attempts_, turn);
  }
  if (held_.empty()) imports_.Clear();
  const auto of_task = [](const Outgoing& reply) { return reply.then->event_id.empty(); };
  const auto answered = std::count_if(outgoing_.begin(), outgoing_.end(), [&](const auto& one) { return of_task(one.second); }) +
                        std::count_if(refused_.begin(), refused_.end(), of_task);
  kHeld.In(metrics_).Set(static_cast<double>(held_.size() + moving_.size()) + static_cast<double>(answered));
  return milliseconds(0);
}

milliseconds Bridge::Connect() {
  auto opened = BrokerConnection::Open(options_);
  if (!opened.ok()) {
    broker_.Set(vora::Message(opened.status()));
    return BackoffDelay(kReconnect, ++connect_attempts_, opened.status());
  }
  connection_ = *std::move(opened);
  connected_at_ = steady_clock::now();
  return milliseconds(0);
}

// What was held is in the queue again, and what was fetched is given again when metadata's lease is over.
void Bridge::Disconnect(const Status& why) {
  broker_.Set(vora::Message(why));
  kConnected.In(metrics_).Set(0);
  connection_.reset();
  held_.clear();
  moving_.clear();
  outgoing_.clear();
  refused_.clear();
  fetched_.clear();
  open_events_.clear();
}

// One look at the broker, one task, one event: none of them keeps the others waiting for longer than a call or two may take.
Status Bridge::Turn() {
  Received received;
  VORA_RETURN_IF_ERROR(connection_->Receive(Patience(), received));
  if (connection_->blocked()) {
    broker_.Set("it takes no messages now, since it is short of memory or disk");
  } else {
    broker_.Clear();
  }
  kConnected.In(metrics_).Set(connection_->blocked() ? 0 : 1);
  for (auto& delivery : received.deliveries) held_.push_back(Take(std::move(delivery)));
  if (received.unroutable > 0) kReplies.In(metrics_, {"unroutable"}).Increment(received.unroutable);
  for (const uint64_t number : received.confirmed) VORA_RETURN_IF_ERROR(Confirmed(number));
  for (const uint64_t number : received.refused) RefusedByBroker(number);
  if (connection_->blocked()) return absl::OkStatus();
  VORA_RETURN_IF_ERROR(PublishRefused());
  VORA_RETURN_IF_ERROR(WorkOnEvents());
  return WorkOnTasks();
}

milliseconds Bridge::Patience() const {
  if (connection_->blocked() || !subscribed_) return kPatience;
  const auto now = steady_clock::now();
  const bool due = std::any_of(held_.begin(), held_.end(), [&](const Held& held) { return held.due <= now; });
  const bool event_due = !fetched_.empty() && events_due_ <= now;
  return due || event_due ? milliseconds(0) : kPatience;
}

Bridge::Held Bridge::Take(Delivery delivery) const {
  Held held{.delivery = std::move(delivery), .due = steady_clock::now()};
  const auto since = ParseRfc3339(HeaderOf(held.delivery.message, kUndecidedSince));
  if (!since) return held;
  held.attempts = kAttemptsBefore;
  held.undecided_since = std::min(*since, ToUnixMs(Clock::Real().Now()));
  return held;
}

Status Bridge::WorkOnTasks() {
  if (!subscribed_ || held_.empty()) return absl::OkStatus();
  const auto next = std::min_element(held_.begin(), held_.end(), [](const Held& a, const Held& b) { return a.due < b.due; });
  if (next->due > steady_clock::now()) return absl::OkStatus();
  const obs::Span span("amqp task", obs::SpanKind::kConsumer, HeaderOf(next->delivery.message, "traceparent"));
  Task task;
  const Status read = ReadTask(next->delivery.message, options_.max_body, task);
  const StatusOr<metadata::v1::Video> video = read.ok() ? metadata_.Import(task) : StatusOr<metadata::v1::Video>(read);
  if (!video.ok() && !IsTasksFault(video.status())) return PutOff(next, task, video.status());
  imports_.Clear();
  const Held done = std::move(*next);
  held_.erase(next);
  if (!video.ok()) {
    kTasks.In(metrics_, {"refused"}).Increment();
    return Refuse(done, task, video.status());
  }
  kTasks.In(metrics_, {"accepted"}).Increment();
  log::Info("a task was accepted", {{"task_id", task.recipient.correlation_id}, {"video_id", video->video_id()}});
  return Answer({AcceptedReply(task.recipient, *video, Now())}, {.acknowledge = done.delivery.tag});
}

Status Bridge::Refuse(const Held& held, const Task& task, const Status& why) {
  log::Warn("a task was refused", {{"task_id", task.recipient.correlation_id}, {"reason", ToText(why)}});
  return Answer({RefusedReply(task.recipient, held.delivery.message, why, Now())}, {.reject = held.delivery.tag});
}

Status Bridge::PutOff(std::deque<Held>::iterator held, const Task& task, const Status& why) {
  kTasks.In(metrics_, {"delayed"}).Increment();
  const auto now = steady_clock::now();
  held->due = now + BackoffDelay(kTryAgain, ++held->attempts, why);
  if (HoldsForAll(why) || !events_.Health().ok()) {
    // Those behind it would fare no better.
    imports_.Set(ToText(why));
    held->failing_since.reset();
    return absl::OkStatus();
  }
  imports_.Clear();
  if (!held->failing_since) {
    held->failing_since = now;
    log::Warn("a task cannot be decided now; it is tried again", {{"task_id", task.recipient.correlation_id}, {"reason", ToText(why)}});
  }
  const auto failing_for = std::chrono::duration_cast<milliseconds>(now - *held->failing_since);
  if (const auto hold = std::min<milliseconds>(kHold, settings_.give_up_after); failing_for < hold) {
    held->due = std::min<Instant>(held->due, *held->failing_since + hold);
    return absl::OkStatus();
  }
  const int64_t wall_ms = ToUnixMs(Clock::Real().Now());
  const int64_t since = held->undecided_since.value_or(wall_ms - failing_for.count());
  if (wall_ms - since >= settings_.give_up_after.count()) {
    kTasks.In(metrics_, {"given_up"}).Increment();
    const Held done = std::move(*held);
    held_.erase(held);
    return Refuse(done, task, Annotate(why, "could not be decided within VORA_AMQP_GIVE_UP_AFTER"));
  }
  VORA_ASSIGN_OR_RETURN(const uint64_t number,
                        connection_->PublishAgain(held->delivery, kUndecidedSince, FormatRfc3339(FromUnixMs(since))));
  moving_.emplace(number, std::move(*held));
  held_.erase(held);
  return absl::OkStatus();
}

Status Bridge::WorkOnEvents() {
  if (steady_clock::now() < events_due_) return absl::OkStatus();
  if (fetched_.empty()) {
    FetchEvents();
    return absl::OkStatus();
  }
  const metadata::v1::Event event = std::move(fetched_.front());
  fetched_.pop_front();
  const auto replies = RepliesTo(event);
  if (!replies.ok()) {
    // It is given again when metadata's lease is over; the next one may fare better.
    PauseEvents(replies.status());
    return absl::OkStatus();
  }
  event_failures_ = 0;
  open_events_.insert(event.event_id());
  return Answer(*replies, {.event_id = event.event_id()});
}

void Bridge::PauseEvents(const Status& why) {
  events_.Set(ToText(why));
  events_due_ = steady_clock::now() + BackoffDelay(kTryAgain, ++event_failures_, why);
}

Status Bridge::AcknowledgeEvents() {
  if (acknowledged_.empty()) return absl::OkStatus();
  const auto end = acknowledged_.begin() + static_cast<ptrdiff_t>(std::min(acknowledged_.size(), kMostAcknowledged));
  VORA_RETURN_IF_ERROR(metadata_.AcknowledgeEvents({acknowledged_.begin(), end}));
  acknowledged_.erase(acknowledged_.begin(), end);
  return absl::OkStatus();
}

void Bridge::FetchEvents() {
  if (const Status told = AcknowledgeEvents(); !told.ok()) return PauseEvents(told);
  const auto events = open_events_.size() < kMostOpenEvents ? metadata_.FetchEvents() : std::vector<metadata::v1::Event>();
  if (!events.ok()) return PauseEvents(events.status());
  events_.Clear();
  subscribed_ = true;
  event_failures_ = 0;
  // One whose answers the broker keeps refusing is given again while it is open.
  for (const auto& event : *events) {
    if (!open_events_.contains(event.event_id())) fetched_.push_back(event);
  }
  if (fetched_.empty()) events_due_ = steady_clock::now() + kFetchPause;
}

StatusOr<std::vector<Reply>> Bridge::RepliesTo(const metadata::v1::Event& event) {
  if (event.recipients().empty()) return std::vector<Reply>();
  const auto video_id = VideoOf(event);
  if (!video_id.ok()) {
    log::Error("an event is not understood and is left out", {{"reason", vora::Message(video_id.status())}});
    return std::vector<Reply>();
  }
  std::optional<metadata::v1::Video> video;
  if (HasNewUrls(event)) {
    auto got = metadata_.GetVideo(*video_id);
    if (!got.ok() && got.status().code() != StatusCode::kNotFound) return got.status();
    if (got.ok()) video = *std::move(got);
  }
  return EventReplies(event, video);
}

Status Bridge::Answer(const std::vector<Reply>& replies, Awaited then) {
  const auto awaited = std::make_shared<Awaited>(std::move(then));
  const auto publish = [&](const Reply& reply, const std::string& exchange, const std::string& key) {
    ++awaited->confirms;
    return Publish({reply, exchange, key, awaited});
  };
  for (const auto& reply : replies) {
    if (!reply.reply_to.empty()) VORA_RETURN_IF_ERROR(publish(reply, "", reply.reply_to));
    if (options_.reply_exchange.empty()) continue;
    VORA_RETURN_IF_ERROR(publish(reply, options_.reply_exchange, settings_.reply_key.empty() ? reply.type : settings_.reply_key));
  }
  return awaited->confirms == 0 ? Finish(*awaited) : absl::OkStatus();
}

Status Bridge::Publish(Outgoing outgoing) {
  VORA_ASSIGN_OR_RETURN(const uint64_t number, connection_->Publish(outgoing.reply, outgoing.exchange, outgoing.key));
  outgoing_.emplace(number, std::move(outgoing));
  return absl::OkStatus();
}

Status Bridge::Confirmed(uint64_t number) {
  if (const auto moved = moving_.extract(number)) {
    kTasks.In(metrics_, {"moved"}).Increment();
    return connection_->Acknowledge(moved.mapped().delivery.tag);
  }
  const auto found = outgoing_.extract(number);
  if (!found) return absl::OkStatus();
  kReplies.In(metrics_, {"confirmed"}).Increment();
  const auto& awaited = found.mapped().then;
  return --awaited->confirms == 0 ? Finish(*awaited) : absl::OkStatus();
}

// A queue that is full and rejects what is published, say.
void Bridge::RefusedByBroker(uint64_t number) {
  if (auto moved = moving_.extract(number)) {
    held_.push_back(std::move(moved.mapped()));
    return;
  }
  auto found = outgoing_.extract(number);
  if (!found) return;
  kReplies.In(metrics_, {"refused"}).Increment();
  Outgoing& outgoing = found.mapped();
  if (outgoing.refusals == 0) {
    log::Warn("the broker could not keep an answer; it is published again until it can",
              {{"task_id", outgoing.reply.correlation_id}, {"exchange", outgoing.exchange}, {"routing_key", outgoing.key}});
  }
  outgoing.due = steady_clock::now() + BackoffDelay(kTryAgain, ++outgoing.refusals, absl::OkStatus());
  refused_.push_back(std::move(outgoing));
}

Status Bridge::PublishRefused() {
  const auto now = steady_clock::now();
  const auto later = std::stable_partition(refused_.begin(), refused_.end(), [&](const Outgoing& outgoing) { return outgoing.due <= now; });
  std::deque<Outgoing> due(std::make_move_iterator(refused_.begin()), std::make_move_iterator(later));
  refused_.erase(refused_.begin(), later);
  for (auto& outgoing : due) VORA_RETURN_IF_ERROR(Publish(std::move(outgoing)));
  return absl::OkStatus();
}

Status Bridge::Finish(const Awaited& awaited) {
  if (awaited.acknowledge != 0) return connection_->Acknowledge(awaited.acknowledge);
  if (awaited.reject != 0) return connection_->Reject(awaited.reject);
  open_events_.erase(awaited.event_id);
  acknowledged_.push_back(awaited.event_id);
  return absl::OkStatus();
}

}  // namespace vora::amqp
