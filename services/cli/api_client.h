#pragma once

// The REST API as the command line uses it. Blocking; one object per thread.

#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "libs/core/status.h"
#include "libs/http/client/client.h"

namespace vora::cli {

class ApiClient {
 public:
  // `server`: base URL of the edge, e.g. http://127.0.0.1:8080. `token`: shown with every call; empty: none.
  explicit ApiClient(std::string server, std::string token = "");

  // One JSON call. An HTTP error becomes a Status with the server's own message; no answer names the server and says what to do.
  StatusOr<nlohmann::json> Call(const std::string& method, const std::string& path, const nlohmann::json& body = nullptr);
  // Follows the video's live changes until `on_video` answers false, the video is gone (NOT_FOUND) or `cancelled` is true (CANCELLED).
  // A broken stream is taken up again by itself.
  Status Watch(const std::string& video_id, const std::function<bool(const nlohmann::json& video)>& on_video,
               const std::function<bool()>& cancelled);
  const std::string& server() const { return server_; }

 private:
  Status Explain(const Status& status) const;
  std::string server_, token_;
  http::Client http_;
};

// The message of {"error":{...}} as a Status of the HTTP status' kind; of 401 and 403 with what to do.
Status StatusFromResponse(const http::ClientResponse& response);

}  // namespace vora::cli
