#include "libs/workflow/definition/retry_policy.h"

#include <algorithm>
#include <cmath>

namespace vora::workflow {

int64_t ToMicros(const google::protobuf::Duration& duration) {
  return std::max<int64_t>(0, duration.seconds() * 1'000'000 + duration.nanos() / 1000);
}

bool IsNonRetryable(const v1::RetryPolicy& policy, const v1::Failure& failure) {
  if (failure.non_retryable()) return true;
  for (const std::string& type : policy.non_retryable_error_types()) {
    if (failure.code() == type) return true;
    if (type.ends_with(".*") && failure.code().starts_with(type.substr(0, type.size() - 1))) return true;
  }
  return false;
}

namespace {

constexpr int kUsualMaximumLosses = 10;
constexpr int kFreeLosses = 2;

// What is not set is as in Temporal: 1 s, doubled, at most 100 times the first pause.
int64_t Backoff(const v1::RetryPolicy& policy, int number) {
  const int64_t initial = policy.has_initial_interval() ? ToMicros(policy.initial_interval()) : 1'000'000;
  const double coefficient = policy.backoff_coefficient() >= 1 ? policy.backoff_coefficient() : 2.0;
  const int64_t maximum = policy.has_maximum_interval() ? ToMicros(policy.maximum_interval()) : 100 * initial;
  // As a double, since a growing power would overflow an int64 long before the maximum is applied; the exponent is bounded as attempts are
  // not.
  const double wanted = static_cast<double>(initial) * std::pow(coefficient, std::min(number - 1, 100));
  return static_cast<int64_t>(std::min(wanted, static_cast<double>(maximum)));
}

std::optional<int64_t> InTime(int64_t delay, int64_t now_us, std::optional<int64_t> deadline_us) {
  if (deadline_us && now_us + delay >= *deadline_us) return std::nullopt;
  return delay;
}

}  // namespace

std::optional<int64_t> NextAttemptDelay(const v1::RetryPolicy& policy, int failures, const v1::Failure& failure, int64_t now_us,
                                        std::optional<int64_t> deadline_us, std::optional<int64_t> asked_us) {
  if (IsNonRetryable(policy, failure)) return std::nullopt;
  if (policy.maximum_attempts() > 0 && failures >= policy.maximum_attempts()) return std::nullopt;
  return InTime(asked_us ? *asked_us : Backoff(policy, failures), now_us, deadline_us);
}

std::optional<int64_t> DelayAfterLoss(const v1::RetryPolicy& policy, int losses, int64_t now_us, std::optional<int64_t> deadline_us) {
  if (losses >= (policy.maximum_losses() > 0 ? policy.maximum_losses() : kUsualMaximumLosses)) return std::nullopt;
  return InTime(losses <= kFreeLosses ? 0 : Backoff(policy, losses - kFreeLosses), now_us, deadline_us);
}

}  // namespace vora::workflow
