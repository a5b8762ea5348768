#include "services/metadata/api/idempotency.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/log/log.h"
#include "services/metadata/videos/request_key_repo.h"

namespace vora::metadata {
namespace {

constexpr char kIdempotencyHeader[] = "Idempotency-Key";
constexpr size_t kMaxIdempotencyKey = 255;

// The draft has it as a string of structured fields, "in quotes"; nearly all clients leave these out.
StatusOr<std::string> ParseIdempotencyKey(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  const bool valid = !value.empty() && value.size() <= kMaxIdempotencyKey &&
                     std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (!valid)
    return InvalidField(kIdempotencyHeader, "must be 1 to 255 visible ASCII characters without blanks and quotes", "255 characters");
  return std::string(value);
}

std::string RequestFingerprint(const http::Request& request, const std::string& body) {
  return HexEncode(Sha256(request.method + " " + request.target + "\n" + body));
}

}  // namespace

http::SimpleHandler OncePerKey(RequestKeyRepo& keys, http::SimpleHandler handler) {
  return [&keys, handler = std::move(handler)](const http::Request& request, const std::string& body) {
    const auto header = request.headers.Get(kIdempotencyHeader);
    if (!header) return handler(request, body);
    const auto key = ParseIdempotencyKey(*header);
    if (!key.ok()) return http::ErrorResponse(key.status());
    const KeyedRequest keyed{request.caller.tenant, *key, RequestFingerprint(request, body)};
    const auto known = keys.Begin(keyed);
    if (!known.ok()) return http::ErrorResponse(known.status());
    if (*known) {
      http::Response response;
      response.status = (*known)->status;
      for (const auto& [name, value] : (*known)->headers) response.headers.Set(name, value);
      response.headers.Set("Idempotency-Replayed", "true");
      response.body = (*known)->body;
      return response;
    }
    http::Response response = handler(request, body);
    KeyedAnswer answer{response.status, {}, response.body};
    for (const auto& [name, value] : response.headers.all()) answer.headers[name] = value;
    const Status ended = response.status < 300 ? keys.End(keyed, answer) : keys.Forget(keyed);
    // What was done stands. A repetition finds it when the lease of this one is over.
    if (!ended.ok()) log::Warn("the answer of a request with an Idempotency-Key could not be kept", {{"error", ToText(ended)}});
    return response;
  };
}

}  // namespace vora::metadata
