#include "libs/storage/s3/s3_client.h"

#include "libs/core/clock.h"
#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/storage/s3/s3_xml.h"

namespace vora::storage {
namespace {

constexpr size_t kMaxDocument = 32 << 20;
constexpr size_t kMaxErrorDocument = 64 << 10;

// 501 is not among them: what a store has not implemented it will not have a moment later.
bool IsFault(int status) { return status == 408 || status == 429 || (status >= 500 && status != 501); }

// Where a store says that it does not know who asks.
bool MayRefuseKeys(int status) { return status == 400 || status == 401 || status == 403; }

Status StatusOfCode(const std::string& code, std::string_view text) {
  // S3's code says more than the HTTP status, which is 503 for SlowDown and 400 for RequestTimeout; RESOURCE_EXHAUSTED backs off slower.
  if (code == "SlowDown" || code == "TooManyRequests" || code == "ServiceUnavailable") return ResourceExhausted(text);
  // The last: this machine's clock is wrong, which is no fault of the object.
  if (code == "RequestTimeout" || code == "InternalError" || code == "RequestTimeTooSkewed") return Unavailable(text);
  if (code == "NoSuchBucket") return FailedPrecondition(text);
  if (code == "QuotaExceeded" || code == "EntityTooLarge") return ResourceExhausted(text);
  return absl::OkStatus();
}

}  // namespace

Status ToS3Status(int http_status, std::string_view body, std::string_view what) {
  auto error = ParseS3Error(body);
  std::string text = std::string(what) + ": HTTP " + std::to_string(http_status);
  if (error) text += " " + error->code + (error->message.empty() ? "" : " (" + error->message.substr(0, 300) + ")");
  if (error) {
    if (Status status = StatusOfCode(error->code, text); !status.ok()) return status;
  }
  switch (http_status) {
    case 400:
      return InvalidArgument(text);
    case 401:
      return Unauthenticated(text);
    case 403:
      return PermissionDenied(text);
    case 404:
      return NotFound(text);
    case 408:
      return Unavailable(text);
    case 409:
    case 412:
      return Aborted(text);
    case 416:
      return OutOfRange(text);
    case 429:
      return ResourceExhausted(text);
    case 501:
      return Unimplemented(text);
    case 507:
      return ResourceExhausted(text);
    default:
      break;
  }
  if (http_status >= 500) return Unavailable(text);
  if (http_status >= 300 && http_status < 400) return FailedPrecondition(text + ": the bucket is elsewhere, check region and endpoint");
  return Internal(text);
}

std::string S3Response::Header(const std::string& name) const {
  auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

std::string S3Client::VendorName(const std::string& name) const {
  constexpr std::string_view kOfS3 = "x-amz-";
  return name.starts_with(kOfS3) ? dialect_.header_prefix + name.substr(kOfS3.size()) : name;
}

StatusOr<std::unique_ptr<HttpExchange>> S3Client::StartOnce(const S3Request& request, bool streamed, Keys& keys) {
  VORA_ASSIGN_OR_RETURN(keys, keys_.Get());
  SigningRequest signing;
  signing.method = request.method;
  signing.path = "/" + config_.bucket;
  if (!request.key.empty()) signing.path.append("/").append(PercentEncode(request.key, true));
  signing.query = request.query;
  // Google refuses a request that has headers of both vendors.
  for (const auto& [name, value] : request.headers) signing.headers[VendorName(name)] = value;
  // Over https TLS protects the body, and hashing it would only cost processor time. Over plain http the signature is all there is.
  signing.payload_hash = config_.https && !request.body.empty() ? "UNSIGNED-PAYLOAD" : HexEncode(Sha256(request.body));
  signing.headers["host"] = config_.authority;
  signing.headers[VendorName("x-amz-date")] = FormatIso8601Basic(clock_.Now());
  signing.headers[VendorName("x-amz-content-sha256")] = signing.payload_hash;
  if (!keys->session_token.empty()) signing.headers[VendorName("x-amz-security-token")] = keys->session_token;
  const char* const service = config_.dialect == S3Dialect::kGoogle ? "storage" : "s3";
  std::string authorization = SignRequest(signing, {keys->access_key, keys->secret_key, config_.region, service, dialect_});

  HttpRequest http;
  http.method = request.method;
  std::string query = CanonicalQuery(request.query);
  http.url = config_.Endpoint() + signing.path;
  if (!query.empty()) http.url.append("?").append(query);
  for (const auto& header : signing.headers) http.headers.push_back(header);
  http.headers.emplace_back("authorization", authorization);
  http.body = request.body;
  http.connect_timeout = config_.connect_timeout;
  http.stall_timeout = request.stall_timeout.count() > 0 ? request.stall_timeout : config_.stall_timeout;
  // A reader may be as slow as its client: only a stall ends a streamed answer.
  if (!streamed) {
    http.total_timeout = request.total_timeout.count() > 0 ? request.total_timeout : config_.request_timeout;
    http.total_timeout += std::chrono::milliseconds(1000 * (request.body.size() >> 20));
  }
  VORA_ASSIGN_OR_RETURN(std::unique_ptr<HttpExchange> exchange, HttpExchange::Start(pool_, http));
  // Read to its end: an error document left in the connection would cost that connection.
  if (IsFault(exchange->status())) {
    auto body = exchange->ReadRest(kMaxErrorDocument);
    return ToS3Status(exchange->status(), body.ok() ? *body : "", request.method);
  }
  return exchange;
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
Status S3Client::CheckKeysAccepted(int http_status, std::string_view body, const Keys& keys) {
  if (!MayRefuseKeys(http_status)) return absl::OkStatus();
  const auto error = ParseS3Error(body);
  constexpr std::string_view kRefused[] = {"ExpiredToken",       "InvalidToken",    "InvalidTokenId",
                                           "InvalidAccessKeyId", "InvalidSecurity", "TokenRefreshRequired"};
  if (!error || std::find(std::begin(kRefused), std::end(kRefused), error->code) == std::end(kRefused)) return {};
  return keys_.Refused(keys, error->code);
}

// An answer to HEAD has no document: the same object's first byte is asked for, whose refusal has one.
StatusOr<std::unique_ptr<HttpExchange>> S3Client::AskWhy(const S3Request& head, Keys& keys) {
  S3Request request = head;
  request.method = "GET";
  request.headers["range"] = "bytes=0-0";
  VORA_ASSIGN_OR_RETURN(std::unique_ptr<HttpExchange> exchange, StartOnce(request, false, keys));
  if (exchange->status() >= 400 && exchange->status() != 416) return exchange;
  return Unavailable("HEAD: refused, and a GET of the same object is not");
}

Status S3Client::Retry(const S3Request& request, const std::function<Status()>& once) const {
  if (!request.retry) return once();
  return RetryIdempotent(config_.retry, once);
}

StatusOr<S3Response> S3Client::Call(const S3Request& request) {
  S3Response response;
  Status status = Retry(request, [&]() -> Status {
    Keys keys;
    VORA_ASSIGN_OR_RETURN(std::unique_ptr<HttpExchange> exchange, StartOnce(request, false, keys));
    if (request.method == "HEAD" && MayRefuseKeys(exchange->status())) {
      VORA_ASSIGN_OR_RETURN(exchange, AskWhy(request, keys));
    }
    response.status = exchange->status();
    for (const char* name : {"etag", "content-length", "content-type", "last-modified", "x-amz-meta-vora-write",
                             "x-amz-meta-vora-copied-from", "x-amz-generation"}) {
      response.headers[name] = exchange->Header(VendorName(name));
    }
    VORA_ASSIGN_OR_RETURN(response.body, exchange->ReadRest(kMaxDocument));
    VORA_RETURN_IF_ERROR(CheckKeysAccepted(response.status, response.body, keys));
    // Long operations answer 200 at once and tell of a failure in the document.
    if (response.status == 200 && request.method == "POST") {
      if (auto error = ParseS3Error(response.body)) return ToS3Status(error->code == "InternalError" ? 500 : 400, response.body, "POST");
    } else if (MayRefuseKeys(response.status)) {
      if (Status said = ToS3Status(response.status, response.body, request.method); IsTransient(said)) return said;
    }
    return absl::OkStatus();
  });
  VORA_RETURN_IF_ERROR(status);
  return response;
}

StatusOr<std::unique_ptr<HttpExchange>> S3Client::Open(const S3Request& request) {
  std::unique_ptr<HttpExchange> exchange;
  VORA_RETURN_IF_ERROR(Retry(request, [&]() -> Status {
    Keys keys;
    VORA_ASSIGN_OR_RETURN(exchange, StartOnce(request, true, keys));
    if (!MayRefuseKeys(exchange->status())) return absl::OkStatus();
    const std::string body = exchange->ReadRest(kMaxErrorDocument).value_or("");
    VORA_RETURN_IF_ERROR(CheckKeysAccepted(exchange->status(), body, keys));
    return ToS3Status(exchange->status(), body, request.method + " " + request.key);
  }));
  return exchange;
}

}  // namespace vora::storage
