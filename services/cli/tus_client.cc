#include "services/cli/tus_client.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>
#include <utility>

#include "libs/core/encoding.h"
#include "libs/core/text.h"
#include "libs/curl/url.h"
#include "libs/run/retry.h"
#include "services/cli/api_client.h"

namespace vora::cli {
namespace {

constexpr char kTusVersion[] = "1.0.0";
constexpr int kMaxFailuresInARow = 30;
// Thirty tries with pauses of up to 5 s are about two minutes.
constexpr RetryOptions kBackoff{
    .max_attempts = kMaxFailuresInARow, .initial = std::chrono::milliseconds(300), .max = std::chrono::milliseconds(5000)};

http::ClientRequest TusRequest(const std::string& method, const std::string& url, const std::string& token) {
  http::ClientRequest request;
  request.method = method;
  request.url = url;
  request.headers.Set("Tus-Resumable", kTusVersion);
  if (!token.empty()) request.headers.Set("Authorization", "Bearer " + token);
  return request;
}

// Lets through what `rate` allows since the start.
class Throttle {
 public:
  explicit Throttle(int64_t bytes_per_second) : rate_(bytes_per_second), start_(std::chrono::steady_clock::now()) {}
  void Spend(int64_t bytes) {
    if (rate_ <= 0) return;
    spent_ += bytes;
    std::this_thread::sleep_until(start_ + std::chrono::milliseconds(spent_ * 1000 / rate_));
  }

 private:
  int64_t rate_, spent_ = 0;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace

std::string EncodeUploadMetadata(const std::map<std::string, std::string>& metadata) {
  std::string out;
  for (const auto& [key, value] : metadata) {
    if (!out.empty()) out += ',';
    out += key;
    if (!value.empty()) out += ' ' + Base64Encode(value);
  }
  return out;
}

StatusOr<std::string> TusClient::Create(const FileIdentity& file, const UploadOptions& options) {
  auto request = TusRequest("POST", options.endpoint, options.token);
  request.headers.Set("Upload-Length", std::to_string(file.size));
  request.headers.Set("Upload-Metadata", EncodeUploadMetadata(options.metadata));
  request.headers.Set("Content-Length", "0");
  VORA_ASSIGN_OR_RETURN(const auto response, http_.Do(request));
  if (response.status != 201) return StatusFromResponse(response);
  const auto location = response.headers.Get("Location");
  if (!location) return Internal("the upload server named no Location");
  // Location may be relative to the endpoint (RFC 9110 section 10.2.2).
  auto url = curl::ResolveUrl(options.endpoint, *location);
  if (!url) return Internal("the upload server named a Location that is no URL: " + RepairUtf8(*location, 200));
  return *std::move(url);
}

StatusOr<int64_t> TusClient::Offset(const std::string& url, const std::string& token) {
  VORA_ASSIGN_OR_RETURN(const auto response, http_.Do(TusRequest("HEAD", url, token)));
  if (response.status == 423) return Unavailable("the upload is held by another request");  // which the server ends in a moment
  if (response.status >= 400) {
    return response.status == 404 || response.status == 410 ? NotFound("the upload is gone") : StatusFromResponse(response);
  }
  const std::string offset = response.headers.GetOr("Upload-Offset", "");
  if (offset.empty() || offset.find_first_not_of("0123456789") != std::string::npos)
    return Internal("the upload server named no Upload-Offset");
  return std::stoll(offset);
}

StatusOr<int64_t> TusClient::Send(const FileIdentity& file, const std::string& url, int64_t offset, const UploadOptions& options) {
  std::ifstream in(file.path, std::ios::binary);
  in.seekg(offset);
  if (!in) return InvalidArgument(file.path.string() + ": cannot be read");
  auto request = TusRequest("PATCH", url, options.token);
  request.headers.Set("Upload-Offset", std::to_string(offset));
  request.headers.Set("Content-Type", "application/offset+octet-stream");
  request.upload_size = file.size - offset;
  request.timeout = std::chrono::milliseconds(0);
  request.cancelled = options.cancelled;
  Throttle throttle(options.max_bytes_per_second);
  int64_t sent = offset;
  request.upload = [&](char* buffer, size_t size) -> StatusOr<size_t> {
    if (options.cancelled && options.cancelled()) return Cancelled("interrupted");
    // Small pieces, so that a slow rate is even.
    if (options.max_bytes_per_second > 0)
      size = std::min<size_t>(size, static_cast<size_t>(std::max<int64_t>(options.max_bytes_per_second / 20, 1)));
    in.read(buffer, static_cast<std::streamsize>(size));
    const auto got = in.gcount();
    if (got <= 0 && sent < file.size) return DataLoss(file.path.string() + ": became shorter while it was uploaded");
    throttle.Spend(got);
    sent += got;
    if (options.on_progress) options.on_progress(sent, file.size);
    return static_cast<size_t>(got);
  };
  VORA_ASSIGN_OR_RETURN(const auto response, http_.Do(request));
  // 460 is tus' Checksum Mismatch: the same bytes would fail again.
  if (response.status == 460) return DataLoss(Message(StatusFromResponse(response)));
  if (response.status == 409 || response.status == 423) return Unavailable("the server has another offset");  // ask again with HEAD
  if (response.status >= 300) return StatusFromResponse(response);
  const std::string confirmed = response.headers.GetOr("Upload-Offset", "");
  if (confirmed.empty() || confirmed.find_first_not_of("0123456789") != std::string::npos)
    return Internal("the upload server confirmed no offset");
  return std::stoll(confirmed);
}

StatusOr<UploadResult> TusClient::Upload(const FileIdentity& file, const UploadOptions& options) {
  UploadResult result;
  auto url = store_.Find(file, options.endpoint);
  bool known_offset = false;
  int64_t offset = 0;
  int failures = 0;
  bool first_look = true;
  Status last;
  const auto stop = [&] { return options.cancelled && options.cancelled(); };
  while (true) {
    if (stop()) return Cancelled("interrupted");
    last = absl::OkStatus();
    if (!url) {
      auto created = Create(file, options);
      if (created.ok()) {
        url = *created;
        store_.Remember(file, options.endpoint, *url);
        offset = 0;
        known_offset = true;
        first_look = false;
      } else {
        last = created.status();
      }
    } else if (!known_offset) {
      auto at = Offset(*url, options.token);
      if (at.ok()) {
        // Bytes that arrived before the connection broke are progress.
        if (*at > offset) failures = 0;
        offset = *at;
        known_offset = true;
        if (first_look) result.resumed_from = offset;
        if (options.on_resume) options.on_resume(first_look ? "found an unfinished upload of this file" : "connected again", offset);
        first_look = false;
      } else if (at.status().code() == StatusCode::kNotFound) {
        store_.Forget(file, options.endpoint);
        // Begun anew: the server does not know this upload any more.
        url.reset();
        continue;
      } else {
        last = at.status();
      }
    }
    if (last.ok() && known_offset) {
      // An upload that is complete on the server needs no PATCH; an empty one is complete when it is created.
      auto at = offset < file.size ? Send(file, *url, offset, options) : StatusOr<int64_t>(offset);
      if (at.ok() && *at == file.size) {
        store_.Forget(file, options.endpoint);
        result.upload_id = url->substr(url->rfind('/') + 1);
        return result;
      }
      // After a cut only the server knows how much it has.
      known_offset = false;
      if (at.ok() && *at > offset) {
        failures = 0;
        continue;
      }
      last = at.ok() ? Unavailable("the server took no bytes") : at.status();
      // Neither a wrong checksum nor a file that became shorter can be resumed.
      if (last.code() == StatusCode::kDataLoss) store_.Forget(file, options.endpoint);
    }
    if (stop()) return Cancelled("interrupted");
    if (!IsTransient(last) || ++failures >= kMaxFailuresInARow) return Annotate(last, "upload to " + options.endpoint);
    std::this_thread::sleep_for(BackoffDelay(kBackoff, failures, last));
  }
}

}  // namespace vora::cli
