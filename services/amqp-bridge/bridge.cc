#include "services/amqp-bridge/bridge.h"

#include <algorithm>
#include <optional>
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

std::string Now() { return FormatRfc3339(Clock::Real().Now()); }

std::string Traceparent(const Message& message) {
  const auto found = message.headers.find("traceparent");
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
  if (!acknowledged_.empty()) (void)metadata_.AcknowledgeEvents(std::exchange(acknowledged_, {}));
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
  const bool delayed = std::any_of(held_.begin(), held_.end(), [](const Held& held) { return held.attempts > 0; });
  if (!delayed) imports_.Clear();
  kHeld.In(metrics_).Set(static_cast<double>(held_.size()));
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
  awaited_.clear();
  events_open_ = 0;
}

// One look at the broker, one task, one look for events: none of them keeps the others waiting for longer than a call may take.
Status Bridge::Turn() {
  Received received;
  VORA_RETURN_IF_ERROR(connection_->Receive(Patience(), received));
  if (connection_->blocked()) {
    broker_.Set("it takes no messages now, since it is short of memory or disk");
  } else {
    broker_.Clear();
  }
  kConnected.In(metrics_).Set(connection_->blocked() ? 0 : 1);
  for (auto& delivery : received.deliveries) held_.push_back({std::move(delivery), 0, steady_clock::now()});
  if (received.unroutable > 0) kReplies.In(metrics_, {"unroutable"}).Increment(received.unroutable);
  for (const uint64_t number : received.confirmed) {
    const auto found = awaited_.find(number);
    if (found == awaited_.end()) continue;
    kReplies.In(metrics_, {"confirmed"}).Increment();
    const auto awaited = std::move(found->second);
    awaited_.erase(found);
    if (--awaited->confirms == 0) VORA_RETURN_IF_ERROR(Finish(*awaited));
  }
  if (connection_->blocked()) return absl::OkStatus();
  VORA_RETURN_IF_ERROR(WorkOnEvents());
  return WorkOnTasks();
}

milliseconds Bridge::Patience() const {
  if (connection_->blocked() || !subscribed_) return kPatience;
  const auto now = steady_clock::now();
  const bool due = std::any_of(held_.begin(), held_.end(), [&](const Held& held) { return held.due <= now; });
  return due ? milliseconds(0) : kPatience;
}

Status Bridge::WorkOnTasks() {
  if (!subscribed_) return absl::OkStatus();
  const auto now = steady_clock::now();
  const auto next = std::find_if(held_.begin(), held_.end(), [&](const Held& held) { return held.due <= now; });
  if (next == held_.end()) return absl::OkStatus();
  const obs::Span span("amqp task", obs::SpanKind::kConsumer, Traceparent(next->delivery.message));
  Task task;
  const Status read = ReadTask(next->delivery.message, options_.max_body, settings_.subscription, task);
  const StatusOr<metadata::v1::Video> video = read.ok() ? metadata_.Import(task.request) : StatusOr<metadata::v1::Video>(read);
  if (!video.ok() && !IsTasksFault(video.status())) {
    imports_.Set(ToText(video.status()));
    kTasks.In(metrics_, {"delayed"}).Increment();
    next->due = steady_clock::now() + BackoffDelay(kTryAgain, ++next->attempts, video.status());
    return absl::OkStatus();
  }
  const Held done = std::move(*next);
  held_.erase(next);
  if (video.ok()) {
    kTasks.In(metrics_, {"accepted"}).Increment();
    log::Info("a task was accepted", {{"task_id", task.recipient.correlation_id}, {"video_id", video->video_id()}});
    return Answer({AcceptedReply(task.recipient, *video, settings_.subscription, Now())}, {.acknowledge = done.delivery.tag});
  }
  kTasks.In(metrics_, {"refused"}).Increment();
  log::Warn("a task was refused", {{"task_id", task.recipient.correlation_id}, {"reason", ToText(video.status())}});
  return Answer({RefusedReply(task.recipient, done.delivery.message, video.status(), Now())}, {.reject = done.delivery.tag});
}

Status Bridge::WorkOnEvents() {
  const auto now = steady_clock::now();
  if (events_open_ > 0 || now < next_fetch_) return absl::OkStatus();
  const auto again = [&](const Status& failed) {
    events_.Set(ToText(failed));
    next_fetch_ = steady_clock::now() + BackoffDelay(kTryAgain, ++fetch_failures_, failed);
    return absl::OkStatus();
  };
  if (!acknowledged_.empty()) {
    if (const Status told = metadata_.AcknowledgeEvents(acknowledged_); !told.ok()) return again(told);
    acknowledged_.clear();
  }
  const auto events = metadata_.FetchEvents();
  if (!events.ok()) return again(events.status());
  events_.Clear();
  subscribed_ = true;
  fetch_failures_ = 0;
  if (events->empty()) next_fetch_ = now + kFetchPause;
  for (const auto& event : *events) {
    const auto replies = RepliesTo(event);
    // It and the rest of them are given again when metadata's lease is over.
    if (!replies.ok()) return again(replies.status());
    ++events_open_;
    VORA_RETURN_IF_ERROR(Answer(*replies, {.event_id = event.event_id()}));
  }
  return absl::OkStatus();
}

StatusOr<std::vector<Reply>> Bridge::RepliesTo(const metadata::v1::Event& event) {
  const auto concern = ConcernOf(event, settings_.subscription);
  if (!concern.ok()) {
    log::Error("an event is not understood and is left out", {{"reason", vora::Message(concern.status())}});
    return std::vector<Reply>();
  }
  if (concern->recipients.empty()) return std::vector<Reply>();
  std::optional<metadata::v1::Video> video;
  if (HasNewUrls(event)) {
    auto got = metadata_.GetVideo(concern->video_id);
    if (!got.ok() && got.status().code() != StatusCode::kNotFound) return got.status();
    if (got.ok()) video = *std::move(got);
  }
  return EventReplies(event, concern->recipients, video, settings_.subscription);
}

Status Bridge::Answer(const std::vector<Reply>& replies, Awaited then) {
  const auto awaited = std::make_shared<Awaited>(std::move(then));
  const auto publish = [&](const Reply& reply, const std::string& exchange, const std::string& key) -> Status {
    VORA_ASSIGN_OR_RETURN(const uint64_t number, connection_->Publish(reply, exchange, key));
    ++awaited->confirms;
    awaited_[number] = awaited;
    return absl::OkStatus();
  };
  for (const auto& reply : replies) {
    if (!reply.reply_to.empty()) VORA_RETURN_IF_ERROR(publish(reply, "", reply.reply_to));
    if (options_.reply_exchange.empty()) continue;
    VORA_RETURN_IF_ERROR(publish(reply, options_.reply_exchange, settings_.reply_key.empty() ? reply.type : settings_.reply_key));
  }
  return awaited->confirms == 0 ? Finish(*awaited) : absl::OkStatus();
}

Status Bridge::Finish(const Awaited& awaited) {
  if (awaited.acknowledge != 0) return connection_->Acknowledge(awaited.acknowledge);
  if (awaited.reject != 0) return connection_->Reject(awaited.reject);
  acknowledged_.push_back(awaited.event_id);
  --events_open_;
  return absl::OkStatus();
}

}  // namespace vora::amqp
