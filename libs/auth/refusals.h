#pragma once

// Counts and logs those who are not let in.

#include <chrono>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>

#include "libs/core/caller.h"
#include "libs/core/error.h"
#include "libs/core/status.h"
#include "libs/obs/metrics.h"

namespace vora::auth {

// Thread-safe. The log has at most some lines a second of it, so that a flood of bad tokens is not one of the disk too.
class Refusals {
 public:
  explicit Refusals(obs::Metrics& metrics);
  // Counts and logs; returns `refusal`, of one of the kinds errors::kToken...
  Status Refuse(Status refusal) const;
  // PERMISSION_DENIED that names the scopes of which one is missing.
  Status Deny(const Caller& caller, std::initializer_list<Scope> any_of) const;

 private:
  void Log(const Status& refusal, const std::string& subject) const;

  std::map<std::string, obs::Counter*> counters_;  // by the kind's reason
  mutable std::mutex mutex_;
  mutable std::chrono::steady_clock::time_point second_began_;
  mutable int lines_ = 0;
};

}  // namespace vora::auth
