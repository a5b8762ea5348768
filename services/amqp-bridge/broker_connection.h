#pragma once

// A connection to the broker with one channel that consumes the queue and publishes with confirms. Whatever goes wrong with it is
// UNAVAILABLE, says why, and is its end: what was not acknowledged comes again over the next one. For one thread.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "services/amqp-bridge/broker_options.h"
#include "services/amqp-bridge/message.h"

namespace vora::amqp {

class MessageProperties;  // all of them, as they came

struct Delivery {
  uint64_t tag = 0;
  Message message;
  std::shared_ptr<const MessageProperties> properties = nullptr;
};

// What the broker has sent.
struct Received {
  std::vector<Delivery> deliveries;
  std::vector<uint64_t> confirmed;  // numbers of what was published: the broker has it
  std::vector<uint64_t> refused;    // it could not keep it
  int unroutable = 0;               // of those that it has, what reached no queue
};

class BrokerConnection {
 public:
  // Connects, signs in and consumes: the queue, and the reply exchange, must be there.
  static StatusOr<std::unique_ptr<BrokerConnection>> Open(const BrokerOptions& options);
  ~BrokerConnection();

  // Waits at most `wait` for something to come; keeps heartbeats going, so it must be called every few seconds.
  Status Receive(std::chrono::milliseconds wait, Received& received);
  // The number that will be confirmed, or refused.
  StatusOr<uint64_t> Publish(const Reply& reply, const std::string& exchange, const std::string& routing_key);
  // The same message once more, at the end of the queue, with the text `value` in the header `name`.
  StatusOr<uint64_t> PublishAgain(const Delivery& delivery, const std::string& name, const std::string& value);
  Status Acknowledge(uint64_t tag);
  Status Reject(uint64_t tag);  // not to be requeued: to the queue's dead-letter exchange, if it has one
  // The broker takes no messages now, since it is short of memory or disk.
  bool blocked() const;

 private:
  struct Impl;
  explicit BrokerConnection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::amqp
