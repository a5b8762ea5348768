#pragma once

// What is remembered of one answer, for the analytics: DeliveryRecord of vora/analytics/v1/analytics.proto without its weight.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "libs/core/clock.h"
#include "libs/http/message/message.h"
#include "libs/layout/delivery_path.h"
#include "services/streaming-gateway/cache/provenance.h"

namespace vora::gateway {

struct Delivery {
  std::string video_id;
  std::string session_id;  // empty: unknown
  std::string object;      // below the video: `720p/seg_3.m4s`
  std::string rendition;   // empty above the tracks
  std::optional<int32_t> segment_index;
  SystemTime time;  // when the request came
  std::chrono::nanoseconds total{0};
  Provenance provenance;
  int64_t bytes = 0;
  int status = 0;
  int64_t buffer_ms = 0;
  int64_t throughput = 0;  // bits/s
  int64_t bitrate = 0;     // bits/s
};

// What was seen while a request was answered.
struct Observed {
  SystemTime time;
  std::chrono::nanoseconds total{0};  // until the last byte was handed to the client
  Provenance provenance = {};
  int64_t bytes = 0;  // of the body
  int status = 0;
};

// The record of an answer; nullopt when it is not worth one. Worth one is every request that carries a CMCD session id; without one, a
// failure (status >= 500) and a fetch from the object store that took `slow_origin` or longer. Pure.
std::optional<Delivery> DeliveryOf(const http::Request& request, const std::string& video_id, const layout::DeliveryPath& path,
                                   const Observed& observed, std::chrono::milliseconds slow_origin);

}  // namespace vora::gateway
