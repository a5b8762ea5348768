#pragma once

// Responses of the tus endpoints. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "libs/http/message/message.h"
#include "services/upload/headers/tus_headers.h"
#include "services/upload/state/upload_state.h"

namespace vora::upload {

http::Response Refuse(const Status& error);
http::Response OptionsResponse(int64_t max_bytes);
http::Response CreatedResponse(const UploadDoc& doc, const std::string& location, bool with_upload);
http::Response PatchedResponse(const UploadDoc& doc);
http::Response HeadResponse(const UploadDoc& doc);

// Tus-Resumable, caching, and CORS for an `origin` among `allowed` (`*`: any). Call on every response.
void AddStandingHeaders(std::string_view origin, const std::vector<std::string>& allowed, http::Response& response);

}  // namespace vora::upload
