#pragma once

// Which pages' scripts may post events. Credentials are never asked for, so `*` is safe.

#include <string>
#include <vector>

#include "libs/http/message/message.h"

namespace vora::analytics {

class Cors {
 public:
  explicit Cors(std::vector<std::string> origins);
  // On every answer, errors too: a script that may not read the error cannot wait for Retry-After.
  void AddTo(const http::Request& request, http::Response& head) const;
  http::Response Preflight() const;

 private:
  bool any_ = false;
  std::vector<std::string> origins_;
};

}  // namespace vora::analytics
