#include "services/upload/tus/tus_response.h"

#include <algorithm>

#include "libs/core/clock.h"
#include "libs/core/error.h"

namespace vora::upload {
namespace {

constexpr std::string_view kMethods = "POST, HEAD, PATCH, DELETE, OPTIONS";
constexpr std::string_view kAllowHeaders =
    "Authorization, Content-Type, Idempotency-Key, Origin, Tus-Resumable, Upload-Checksum, Upload-Concat, Upload-Defer-Length, "
    "Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override, X-Request-ID, X-Requested-With, traceparent, tracestate";
// Scripts of other origins see only the headers that are listed.
constexpr std::string_view kExposeHeaders =
    "Location, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Defer-Length, "
    "Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset";

void AddExpires(const UploadDoc& doc, http::Response& response) {
  if (!doc.finished()) response.headers.Set("Upload-Expires", FormatHttpDate(FromUnixMs(doc.expires_unix_ms)));
}

}  // namespace

http::Response Refuse(const Status& error) {
  http::Response response = http::ErrorResponse(error);
  // tus 1.0.0 asks a 412 to name the versions that are known.
  if (IsError(error, errors::kUnsupportedTusVersion)) response.headers.Set("Tus-Version", kTusVersion);
  if (const auto offset = DetailOf(error).offset) response.headers.Set("Upload-Offset", std::to_string(*offset));
  return response;
}

http::Response OptionsResponse(int64_t max_bytes) {
  http::Response response = http::Response::Empty(204);
  response.headers.Set("Tus-Version", kTusVersion);
  response.headers.Set("Tus-Extension", kTusExtensions);
  response.headers.Set("Tus-Max-Size", std::to_string(max_bytes));
  response.headers.Set("Tus-Checksum-Algorithm", kChecksumAlgorithms);
  response.headers.Set("Allow", kMethods);
  response.headers.Set("Access-Control-Allow-Methods", kMethods);
  response.headers.Set("Access-Control-Allow-Headers", kAllowHeaders);
  response.headers.Set("Access-Control-Max-Age", "86400");
  return response;
}

http::Response CreatedResponse(const UploadDoc& doc, const std::string& location, bool with_upload) {
  http::Response response = http::Response::Empty(201);
  response.headers.Set("Location", location);
  // Of a creation with a body, the client must know how much was taken.
  if (with_upload) response.headers.Set("Upload-Offset", std::to_string(doc.offset));
  AddExpires(doc, response);
  return response;
}

http::Response PatchedResponse(const UploadDoc& doc) {
  http::Response response = http::Response::Empty(204);
  response.headers.Set("Upload-Offset", std::to_string(doc.offset));
  AddExpires(doc, response);
  return response;
}

http::Response HeadResponse(const UploadDoc& doc) {
  http::Response response = http::Response::Empty(200);
  response.headers.Set("Upload-Offset", std::to_string(doc.offset));
  if (doc.length) {
    response.headers.Set("Upload-Length", std::to_string(*doc.length));
  } else {
    response.headers.Set("Upload-Defer-Length", "1");
  }
  if (!doc.metadata_header.empty()) response.headers.Set("Upload-Metadata", doc.metadata_header);
  AddExpires(doc, response);
  return response;
}

void AddStandingHeaders(std::string_view origin, const std::vector<std::string>& allowed, http::Response& response) {
  response.headers.Set("Tus-Resumable", kTusVersion);
  // tus 1.0.0 asks it of HEAD: an offset out of a cache would be wrong.
  response.headers.Set("Cache-Control", "no-store");
  response.headers.Set("X-Content-Type-Options", "nosniff");
  if (origin.empty()) return;
  bool any = std::find(allowed.begin(), allowed.end(), "*") != allowed.end();
  if (!any) response.headers.Add("Vary", "Origin");
  if (!any && std::find(allowed.begin(), allowed.end(), origin) == allowed.end()) return;
  response.headers.Set("Access-Control-Allow-Origin", any ? "*" : origin);
  response.headers.Set("Access-Control-Expose-Headers", kExposeHeaders);
}

}  // namespace vora::upload
