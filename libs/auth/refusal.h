#pragma once

// Why a caller is not let in: a reason for metrics, and words for the caller and the log. Never holds anything of a token that is secret.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace vora::auth {

enum class Reason {
  kMissing,
  kMalformed,
  kAlgorithm,
  kUnknownKey,
  kSignature,
  kExpired,
  kNotYetValid,
  kAudience,
  kIssuer,
  kClaims,
  kScope,
};
inline constexpr Reason kAllReasons[] = {Reason::kMissing,   Reason::kMalformed, Reason::kAlgorithm,   Reason::kUnknownKey,
                                         Reason::kSignature, Reason::kExpired,   Reason::kNotYetValid, Reason::kAudience,
                                         Reason::kIssuer,    Reason::kClaims,    Reason::kScope};

std::string_view ReasonName(Reason reason);  // missing, malformed, ...

struct Refusal {
  Reason reason = Reason::kMalformed;
  std::string message;
};

// A value, or why there is none.
template <typename T>
class Judged {
 public:
  Judged(T value) : held_(std::move(value)) {}
  Judged(Refusal refusal) : held_(std::move(refusal)) {}
  bool ok() const { return held_.index() == 0; }
  const Refusal& refusal() const { return std::get<1>(held_); }
  const T& operator*() const { return std::get<0>(held_); }
  const T* operator->() const { return &std::get<0>(held_); }

 private:
  std::variant<T, Refusal> held_;
};

template <>
class Judged<void> {
 public:
  Judged() = default;
  Judged(Refusal refusal) : refusal_(std::move(refusal)) {}
  bool ok() const { return !refusal_; }
  const Refusal& refusal() const { return *refusal_; }

 private:
  std::optional<Refusal> refusal_;
};

}  // namespace vora::auth
