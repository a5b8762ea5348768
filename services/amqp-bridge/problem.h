#pragma once

// Why something does not work, for /readyz, and one line in the log whenever that changes. Thread-safe.

#include <mutex>
#include <string>
#include <utility>

#include "libs/core/status.h"

namespace vora::amqp {

class Problem {
 public:
  // `subject`: "the broker". `text`: what holds from the start.
  explicit Problem(std::string subject, std::string text = "") : subject_(std::move(subject)), text_(std::move(text)) {}
  void Set(const std::string& why);
  void Clear();
  Status Health() const;  // UNAVAILABLE with the reason

 private:
  const std::string subject_;
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace vora::amqp
