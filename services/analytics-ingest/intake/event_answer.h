#pragma once

// The answers of POST /e. Pure.

#include "libs/http/message/message.h"
#include "services/analytics-ingest/formats/batch.h"

namespace vora::analytics {

// 202 with the counts; 400 with the reasons when not one event was valid.
http::Response AnswerOf(const Batch& batch);

}  // namespace vora::analytics
