#include "services/cli/api_client.h"

#include <chrono>
#include <thread>
#include <utility>

#include "services/cli/sse.h"

namespace vora::cli {
namespace {

using nlohmann::json;

StatusCode CodeOf(int http_status) {
  switch (http_status) {
    case 400:
    case 413:
      return StatusCode::kInvalidArgument;
    case 401:
      return StatusCode::kUnauthenticated;
    case 403:
      return StatusCode::kPermissionDenied;
    case 404:
    case 410:
      return StatusCode::kNotFound;
    case 409:
      return StatusCode::kFailedPrecondition;
    case 429:
      return StatusCode::kResourceExhausted;
    case 503:
    case 502:
      return StatusCode::kUnavailable;
    case 408:  // the network stood still for too long
    case 504:
      return StatusCode::kDeadlineExceeded;
    default:
      return StatusCode::kInternal;
  }
}

constexpr auto kReconnectPause = std::chrono::milliseconds(500);

}  // namespace

Status StatusFromResponse(const http::ClientResponse& response) {
  std::string message = "HTTP status " + std::to_string(response.status);
  if (const json body = json::parse(response.body, nullptr, false);
      body.is_object() && body.contains("error") && body["error"].is_object()) {
    message = body["error"].value("message", message);
    if (const std::string field = body["error"].value("field", ""); !field.empty()) message += " (field " + field + ")";
  }
  if (response.status == 401) message += ". Give a token that is valid: --token, --token-file, VORA_TOKEN or VORA_TOKEN_FILE";
  if (response.status == 403 && message.find("scope") != std::string::npos) message += ". Ask who issues your tokens for one with it";
  return MakeStatus(CodeOf(response.status), message);
}

ApiClient::ApiClient(std::string server, std::string token) : server_(std::move(server)), token_(std::move(token)) {
  while (!server_.empty() && server_.back() == '/') server_.pop_back();
}

Status ApiClient::Explain(const Status& status) const {
  if (status.code() != StatusCode::kUnavailable && status.code() != StatusCode::kDeadlineExceeded) return status;
  return MakeStatus(status.code(),
                    "no answer from " + server_ + ": " + Message(status) +
                        ". Is the stack running (deploy/local/up.sh, or vora-up)? --server or VORA_SERVER names another one.");
}

StatusOr<json> ApiClient::Call(const std::string& method, const std::string& path, const json& body) {
  http::ClientRequest request;
  request.method = method;
  request.url = server_ + path;
  if (!token_.empty()) request.headers.Set("Authorization", "Bearer " + token_);
  if (!body.is_null()) {
    request.body = body.dump();
    request.headers.Set("Content-Type", "application/json");
  }
  auto response = http_.Do(request);
  if (!response.ok()) return Explain(response.status());
  if (response->status >= 400) return StatusFromResponse(*response);
  if (response->body.empty()) return json::object();
  json parsed = json::parse(response->body, nullptr, false);
  if (parsed.is_discarded()) return Internal("the answer of " + request.url + " is not JSON");
  return parsed;
}

Status ApiClient::Watch(const std::string& video_id, const std::function<bool(const json&)>& on_video,
                        const std::function<bool()>& cancelled) {
  bool finished = false, deleted = false;
  int failures = 0;
  while (!finished) {
    SseParser parser;
    std::string error_body;
    const auto on_event = [&](const SseEvent& event) {
      const json video = json::parse(event.data, nullptr, false);
      if (event.event == "deleted") {
        deleted = finished = true;
        return false;
      }
      if (video.is_object() && video.contains("video_id")) {
        // Whoever gets news is connected: only failures in a row count.
        failures = 0;
        finished = !on_video(video);
      }
      return !finished;
    };
    http::ClientRequest request;
    request.url = server_ + "/v1/videos/" + video_id + "/events";
    request.headers.Set("Accept", "text/event-stream");
    if (!token_.empty()) request.headers.Set("Authorization", "Bearer " + token_);
    // The stream has no end that a time limit could wait for.
    request.timeout = std::chrono::milliseconds(0);
    request.cancelled = cancelled;
    request.on_data = [&](std::string_view bytes) {
      if (error_body.size() < 4096) error_body.append(bytes);
      return parser.Feed(bytes, on_event);
    };
    auto response = http_.Do(request);
    if (deleted) return NotFound("the video was deleted");
    if (finished) break;
    if (cancelled && cancelled()) return Cancelled("interrupted");
    Status failure = response.status();
    if (response.ok() && response->status >= 400) {
      response->body = error_body;
      failure = StatusFromResponse(*response);
      if (response->status < 500) return failure;
    }
    // At least a minute without a stream.
    if (!failure.ok() && ++failures > 120) return Explain(failure);
    std::this_thread::sleep_for(kReconnectPause);
  }
  return absl::OkStatus();
}

}  // namespace vora::cli
