#pragma once

// Requests, responses and the one catalogue of HTTP errors.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/caller.h"
#include "libs/core/error.h"
#include "libs/core/status.h"
#include "libs/obs/trace.h"

namespace vora::http {

// Ordered; names compare without case.
class Headers {
 public:
  void Set(std::string_view name, std::string_view value);  // replaces
  void Add(std::string_view name, std::string_view value);
  // The first value; nullopt when absent.
  std::optional<std::string> Get(std::string_view name) const;
  std::string GetOr(std::string_view name, std::string_view fallback) const;
  // All values in order, joined by commas; empty when absent.
  std::string Joined(std::string_view name) const;
  bool Has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method;
  std::string target;                             // as sent: /v1/videos?page_size=5
  std::string path;                               // percent-decoded once, no query; no empty, `.` or `..` segment survives (400)
  std::string raw_path;                           // not decoded
  std::multimap<std::string, std::string> query;  // decoded
  Headers headers;
  std::map<std::string, std::string> params;  // from the route pattern
  std::string remote;                         // peer address
  std::string client;                         // as limits see it: the peer, or behind a trusted proxy whom X-Forwarded-For names
  std::optional<int64_t> content_length;
  obs::TraceContext trace;
  Caller caller;  // of a route with a scope: who was let in; else empty scopes, tenant `default`
  // First value of a query key.
  std::optional<std::string> Query(const std::string& key) const;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;

  static Response Json(int status, std::string body);
  static Response Text(int status, std::string body);
  static Response Empty(int status);
};

// {"error":{"code":"INVALID_ARGUMENT","reason":"invalid_argument","message":...,"field":...,"limit":...}}, read from the status and its
// detail (libs/core/error.h), with the HTTP status of its kind or else of its code: INVALID_ARGUMENT 400, NOT_FOUND 404,
// FAILED_PRECONDITION 409, ABORTED 409, RESOURCE_EXHAUSTED 429, UNAVAILABLE 503; the last two with Retry-After. INTERNAL and UNKNOWN
// (500) tell the client nothing of the inside.
Response ErrorResponse(const Status& status);
// Of a body that is longer than `limit` bytes.
Status PayloadTooLarge(size_t limit);
Response ErrorResponse(const ErrorKind& kind, std::string_view message, std::string_view field = {});

// One byte range of a resource of `size` bytes, RFC 9110 section 14. first > last never happens.
struct ByteRange {
  int64_t first, last;
};
// nullopt in the outer optional: no (usable) single range, serve 200; the inner nullopt: unsatisfiable, answer 416.
// Several ranges in one header are answered with the whole resource, as RFC 9110 allows.
std::optional<std::optional<ByteRange>> ParseRange(std::string_view header, int64_t size);
// True when `if_none_match` (a list, or `*`) matches `etag` by weak comparison.
bool EtagMatches(std::string_view if_none_match, std::string_view etag);

std::string_view ReasonPhrase(int status);

}  // namespace vora::http
