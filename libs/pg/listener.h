#pragma once

// LISTEN on one connection of its own, reconnecting by itself. A wake-up is a hint: whoever listens must poll as well, since
// notifications are lost while the connection is down (on_notify is called with an empty payload after each reconnect).

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace vora::pg {

class Listener {
 public:
  // `on_notify(channel, payload)` runs on the listener's thread; must not block for long.
  Listener(std::string url, std::vector<std::string> channels,
           std::function<void(const std::string& channel, const std::string& payload)> on_notify);
  ~Listener();  // stops and joins

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::pg
