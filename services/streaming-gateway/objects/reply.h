#pragma once

// What answers carry: cache rules, and the errors of delivery. Pure.

#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/http/message/message.h"
#include "libs/storage/base/object_store.h"

namespace vora::gateway {

enum class Freshness {
  kImmutable,  // segments
  kFinal,      // manifests of a finished video, pictures
  kGrowing,    // manifests while segments are added
};
// Cache-Control; `shared` false (playback tokens are on) keeps the answer out of caches that serve others.
std::string CacheControl(Freshness freshness, bool shared);

// An error that caches forget after a second (401 and 403: never stored). Every transient code is 503 with Retry-After.
http::Response DeliveryError(const Status& status);

struct ObjectReply {
  http::Response head;
  bool has_body = true;  // false: send head as it is
  int64_t first = 0, length = 0;
};
// Decides between 200, 206, 304 and 416 (RFC 9110 sections 13 and 14; a Range with an If-Range that does not match is ignored).
ObjectReply PlanObjectReply(const http::Request& request, const storage::ObjectInfo& info, std::string_view content_type,
                            std::string_view cache_control);

}  // namespace vora::gateway
