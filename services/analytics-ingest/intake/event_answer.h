#pragma once

// The answers of POST /e. Pure.

#include "libs/http/message/message.h"
#include "services/analytics-ingest/formats/batch.h"

namespace vora::analytics {

// 202 with the counts; 400 with the reasons when not one event was valid.
http::Response AnswerOf(const Batch& batch);
// 429 or 503 with Retry-After.
http::Response TryLater(int status, std::string_view message, int64_t seconds);

}  // namespace vora::analytics
