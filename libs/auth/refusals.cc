#include "libs/auth/refusals.h"

#include <string>

#include "libs/auth/metrics.h"
#include "libs/log/log.h"

namespace vora::auth {
namespace {

constexpr int kLinesPerSecond = 50;
constexpr std::string_view kPrefix = "token_";  // of the kinds' reasons; the metric's label says it without
constexpr const ErrorKind* kAll[] = {&errors::kTokenMissing,     &errors::kTokenMalformed, &errors::kTokenAlgorithm,
                                     &errors::kTokenUnknownKey,  &errors::kTokenSignature, &errors::kTokenExpired,
                                     &errors::kTokenNotYetValid, &errors::kTokenAudience,  &errors::kTokenIssuer,
                                     &errors::kTokenClaims,      &errors::kTokenScope};

std::string LabelOf(std::string_view reason) { return std::string(reason.substr(kPrefix.size())); }

}  // namespace

Refusals::Refusals(obs::Metrics& metrics) {
  for (const ErrorKind* kind : kAll) counters_[std::string(kind->reason)] = &kRefused.In(metrics, {LabelOf(kind->reason)});
}

Status Refusals::Refuse(Status refusal) const {
  Log(refusal, "");
  return refusal;
}

Status Refusals::Deny(const Caller& caller, std::initializer_list<Scope> any_of) const {
  std::string names;
  for (const Scope scope : any_of) names += (names.empty() ? "`" : " or `") + std::string(ScopeName(scope)) + "`";
  Status refusal = MakeError(errors::kTokenScope, "the token does not have the scope " + names);
  Log(refusal, caller.subject);
  return refusal;
}

void Refusals::Log(const Status& refusal, const std::string& subject) const {
  const std::string reason = DetailOf(refusal).reason;
  counters_.at(reason)->Increment();
  {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (now - second_began_ >= std::chrono::seconds(1)) {
      second_began_ = now;
      lines_ = 0;
    }
    // Counted in any case: the metric has what the log leaves out.
    if (++lines_ > kLinesPerSecond) return;
  }
  // Nobody is suspicious for not having signed in yet.
  const auto write = IsError(refusal, errors::kTokenMissing) ? log::Info : log::Warn;
  write("caller refused", {{"reason", LabelOf(reason)}, {"message", Message(refusal)}, {"subject", subject}});
}

}  // namespace vora::auth
