#pragma once

// Tasks from the broker's queue to metadata, and what becomes of them back. A message is acknowledged once metadata has its video and the
// broker has the answer; an event is acknowledged to metadata once the broker has its answers. So the bridge remembers nothing: killed
// anywhere, it or another replica does the rest again, which makes the same video and answers of the same message ids. Thread-safe.

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/run/periodic.h"
#include "services/amqp-bridge/bridge_settings.h"
#include "services/amqp-bridge/broker_connection.h"
#include "services/amqp-bridge/metadata_client.h"
#include "services/amqp-bridge/problem.h"
#include "services/amqp-bridge/task.h"

namespace vora::amqp {

class Bridge {
 public:
  // INVALID_ARGUMENT names the setting.
  static StatusOr<std::shared_ptr<Bridge>> Start(const BridgeSettings& settings, obs::Metrics& metrics);
  ~Bridge();
  // Ends with the call that is under way; what is not acknowledged goes back into the queue. Safe to call twice.
  void Stop();
  Status BrokerHealth() const { return broker_.Health(); }
  Status MetadataHealth() const;

 private:
  using Instant = std::chrono::steady_clock::time_point;
  // A task that was taken and is not decided.
  struct Held {
    Delivery delivery;
    int attempts = 0;  // that failed
    Instant due;
    std::optional<Instant> failing_since = {};    // here, by itself
    std::optional<int64_t> undecided_since = {};  // Unix ms; as its message says, which was at the end of the queue before
  };
  // What is done once the broker has all that was published for it.
  struct Awaited {
    int confirms = 0;
    uint64_t acknowledge = 0, reject = 0;  // delivery tags
    std::string event_id = {};
  };
  // What is published, until the broker has it.
  struct Outgoing {
    Reply reply;
    std::string exchange, key;
    std::shared_ptr<Awaited> then;
    int refusals = 0;
    Instant due = {};
  };

  Bridge(BridgeSettings settings, BrokerOptions options, obs::Metrics& metrics);
  std::chrono::milliseconds Step();
  std::chrono::milliseconds Connect();
  void Disconnect(const Status& why);
  Status Turn();
  Held Take(Delivery delivery) const;
  Status WorkOnTasks();
  Status PutOff(std::deque<Held>::iterator held, const Task& task, const Status& why);
  Status Refuse(const Held& held, const Task& task, const Status& why);
  Status WorkOnEvents();
  void FetchEvents();
  Status AcknowledgeEvents();
  void PauseEvents(const Status& why);
  StatusOr<std::vector<Reply>> RepliesTo(const metadata::v1::Event& event);
  Status Answer(const std::vector<Reply>& replies, Awaited then);
  Status Publish(Outgoing outgoing);
  Status PublishRefused();
  Status Confirmed(uint64_t number);
  void RefusedByBroker(uint64_t number);
  Status Finish(const Awaited& awaited);
  std::chrono::milliseconds Patience() const;

  const BridgeSettings settings_;
  const BrokerOptions options_;
  obs::Metrics& metrics_;
  MetadataClient metadata_;
  Problem broker_, imports_, events_;
  int connect_attempts_ = 0;  // since a connection was of use
  std::chrono::steady_clock::time_point connected_at_{};
  // Of the connection.
  std::unique_ptr<BrokerConnection> connection_;
  std::deque<Held> held_;
  std::map<uint64_t, Held> moving_;        // published again at the end of the queue, by number
  std::map<uint64_t, Outgoing> outgoing_;  // by number
  std::deque<Outgoing> refused_;           // by the broker; tried again
  std::deque<metadata::v1::Event> fetched_;
  std::set<std::string> open_events_;  // that are being answered
  // Events are kept for this bridge from the first fetch on: no task is begun before it.
  bool subscribed_ = false;
  int event_failures_ = 0;
  Instant events_due_{};
  std::vector<std::string> acknowledged_;  // events, to be told to metadata
  Periodic thread_;
};

}  // namespace vora::amqp
