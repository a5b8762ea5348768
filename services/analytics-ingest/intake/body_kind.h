#pragma once

// What kind of events a request carries. Pure.

#include <string_view>

#include "libs/http/message/message.h"

namespace vora::analytics {

enum class BodyKind { kJson, kJsonLines, kCmcdEvents, kUnknown };
// By the Content-Type; parameters are skipped. None at all, and text/plain (which sendBeacon sends without a preflight), are JSON.
BodyKind BodyKindOf(std::string_view content_type);
inline constexpr char kKnownTypes[] = "application/json, text/plain (JSON), application/x-ndjson, application/jsonl, application/cmcd";

// True when the request itself tells CMCD: the query argument CMCD, or one of the four headers.
bool CarriesCmcd(const http::Request& request);

}  // namespace vora::analytics
