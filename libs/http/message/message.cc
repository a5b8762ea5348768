#include "libs/http/message/message.h"

#include "libs/core/error.h"

#include <algorithm>
#include <cctype>

#include <nlohmann/json.hpp>

namespace vora::http {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return Lower(x) == Lower(y); });
}

int HttpStatusOf(StatusCode code) {
  switch (code) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kOutOfRange:
      return 400;
    case StatusCode::kUnauthenticated:
      return 401;
    case StatusCode::kPermissionDenied:
      return 403;
    case StatusCode::kNotFound:
      return 404;
    case StatusCode::kAlreadyExists:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kAborted:
      return 409;
    case StatusCode::kResourceExhausted:
      return 429;
    case StatusCode::kCancelled:
      return 499;
    case StatusCode::kUnimplemented:
      return 501;
    case StatusCode::kUnavailable:
      return 503;
    case StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

}  // namespace

void Headers::Set(std::string_view name, std::string_view value) {
  std::erase_if(fields_, [&](const auto& field) { return SameName(field.first, name); });
  Add(name, value);
}

void Headers::Add(std::string_view name, std::string_view value) { fields_.emplace_back(std::string(name), std::string(value)); }

std::optional<std::string> Headers::Get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (SameName(key, name)) return value;
  }
  return std::nullopt;
}

std::string Headers::GetOr(std::string_view name, std::string_view fallback) const {
  for (const auto& [key, value] : fields_) {
    if (SameName(key, name)) return value;
  }
  return std::string(fallback);
}

std::string Headers::Joined(std::string_view name) const {
  std::string out;
  for (const auto& [key, value] : fields_) {
    if (SameName(key, name)) out.append(out.empty() ? "" : ",").append(value);
  }
  return out;
}

bool Headers::Has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const auto& field) { return SameName(field.first, name); });
}

std::optional<std::string> Request::Query(const std::string& key) const {
  auto found = query.lower_bound(key);  // the first of equal keys, as sent
  if (found == query.end() || found->first != key) return std::nullopt;
  return found->second;
}

Response Response::Json(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers.Set("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

Response Response::Text(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers.Set("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

Response Response::Empty(int status) {
  Response response;
  response.status = status;
  return response;
}

Response ErrorResponse(const Status& status) {
  const ErrorDetail detail = DetailOf(status);
  const ErrorKind* kind = FindErrorKind(detail.reason);
  const int http_status = kind != nullptr ? kind->http_status : HttpStatusOf(status.code());
  const bool lost = status.code() == StatusCode::kDataLoss;
  // Of the inside, a client is told nothing.
  const bool hidden = kind == nullptr && http_status == 500;
  const std::string reason = !hidden ? detail.reason : lost ? "data_loss" : "internal";
  std::string code = hidden || (kind != nullptr && kind->names_code) ? reason : absl::StatusCodeToString(status.code());
  std::transform(code.begin(), code.end(), code.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  nlohmann::json error{{"code", code}, {"reason", reason}};
  error["message"] = !hidden ? Message(status) : lost ? "data is damaged" : "internal error";
  if (!detail.field.empty()) error["field"] = detail.field;
  if (!detail.limit.empty()) error["limit"] = detail.limit;
  Response response = Response::Json(
      // Messages quote what clients sent, which need not be UTF-8: `replace` instead of an exception.
      http_status, nlohmann::json{{"error", std::move(error)}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  // A cache may keep a 404 or 410 by itself (RFC 9111 section 4.2.2), long after the object is there.
  response.headers.Set("Cache-Control", "no-store");
  const bool passing = http_status == 503 || http_status == 429;
  if (detail.retry_after > 0 || passing) response.headers.Set("Retry-After", std::to_string(std::max<int64_t>(1, detail.retry_after)));
  return response;
}

Status PayloadTooLarge(size_t limit) {
  const std::string bytes = std::to_string(limit) + " bytes";
  return MakeError(errors::kPayloadTooLarge, "the body is longer than " + bytes, {.limit = bytes});
}

Response ErrorResponse(const ErrorKind& kind, std::string_view message, std::string_view field) {
  return ErrorResponse(MakeError(kind, message, {.field = std::string(field)}));
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 104:
      return "Upload Resumption Supported";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 460:
      return "Checksum Mismatch";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

}  // namespace vora::http
