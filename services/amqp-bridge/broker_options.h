#pragma once

#include <cstdint>
#include <string>

namespace vora::amqp {

struct BrokerOptions {
  std::string host, vhost, user, password;
  int port = 5672;
  bool tls = false;
  std::string ca_file;  // PEM; empty: the system's authorities
  std::string queue;
  uint16_t prefetch = 16;         // messages that may be unacknowledged
  uint64_t max_body = 256 << 10;  // bytes; of a larger message the body is not kept
  std::string reply_exchange;     // empty: none
};

}  // namespace vora::amqp
