#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "libs/settings/settings.h"
#include "services/amqp-bridge/broker_options.h"

namespace vora::amqp {

struct BridgeSettings {
  std::string url, ca_file;
  std::string queue = "vora.tasks";
  int64_t prefetch = 16;
  int64_t max_body = 256 << 10;
  std::chrono::milliseconds give_up_after{std::chrono::hours{24}};
  std::string reply_exchange, reply_key;
  std::string subscription = "amqp";
  std::string metadata = "127.0.0.1:9082";
  std::string token, token_file;

  void Declare(SettingsSchema& schema);
  // INVALID_ARGUMENT naming the variable.
  StatusOr<BrokerOptions> Broker() const;
};

}  // namespace vora::amqp
