#pragma once

// Tasks from the broker's queue to metadata, and what becomes of them back. A message is acknowledged once metadata has its video and the
// broker has the answer; an event is acknowledged to metadata once the broker has its answers. So the bridge remembers nothing: killed
// anywhere, it or another replica does the rest again, which makes the same video and answers of the same message ids. Thread-safe.

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
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
  // A task that was taken and is not acknowledged.
  struct Held {
    Delivery delivery;
    int attempts = 0;
    Instant due;
  };
  // What is done once the broker has all that was published for it.
  struct Awaited {
    int confirms = 0;
    uint64_t acknowledge = 0, reject = 0;  // delivery tags
    std::string event_id = {};
  };

  Bridge(BridgeSettings settings, BrokerOptions options, obs::Metrics& metrics);
  std::chrono::milliseconds Step();
  std::chrono::milliseconds Connect();
  void Disconnect(const Status& why);
  Status Turn();
  Status WorkOnTasks();
  Status WorkOnEvents();
  StatusOr<std::vector<Reply>> RepliesTo(const metadata::v1::Event& event);
  Status Answer(const std::vector<Reply>& replies, Awaited then);
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
  std::map<uint64_t, std::shared_ptr<Awaited>> awaited_;  // by number of what was published
  // Events are kept for this bridge from the first fetch on: no task is begun before it.
  bool subscribed_ = false;
  int fetch_failures_ = 0;
  Instant next_fetch_{};
  size_t events_open_ = 0;
  std::vector<std::string> acknowledged_;  // events, to be told to metadata
  Periodic thread_;
};

}  // namespace vora::amqp
