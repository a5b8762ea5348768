#include "libs/auth/refusals.h"

#include <string>

#include "libs/auth/metrics.h"
#include "libs/log/log.h"

namespace vora::auth {
namespace {

constexpr int kLinesPerSecond = 50;

}  // namespace

Refusals::Refusals(obs::Metrics& metrics) {
  for (const Reason reason : kAllReasons) {
    counters_[reason] = &kRefused.In(metrics, {std::string(ReasonName(reason))});
  }
}

Status Refusals::Refuse(const Refusal& refusal) const {
  counters_.at(refusal.reason)->Increment();
  Log(refusal.reason, refusal.message, "");
  return Unauthenticated(refusal.message);
}

Status Refusals::Deny(const Caller& caller, std::initializer_list<Scope> any_of) const {
  std::string names;
  for (const Scope scope : any_of) names += (names.empty() ? "`" : " or `") + std::string(ScopeName(scope)) + "`";
  const std::string message = "the token does not have the scope " + names;
  counters_.at(Reason::kScope)->Increment();
  Log(Reason::kScope, message, caller.subject);
  return PermissionDenied(message);
}

void Refusals::Log(Reason reason, const std::string& message, const std::string& subject) const {
  {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (now - second_began_ >= std::chrono::seconds(1)) {
      second_began_ = now;
      lines_ = 0;
    }
    if (++lines_ > kLinesPerSecond) return;
  }
  // Nobody is suspicious for not having signed in yet.
  const auto write = reason == Reason::kMissing ? log::Info : log::Warn;
  write("caller refused", {{"reason", ReasonName(reason)}, {"message", message}, {"subject", subject}});
}

}  // namespace vora::auth
