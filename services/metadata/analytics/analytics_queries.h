#pragma once

// What viewers did, from ClickHouse and with the titles of PostgreSQL; the same for REST and gRPC. Thread-safe. Blocks up to the reader's
// time limit. Every call: UNAVAILABLE while ClickHouse is away, slow or not configured; INVALID_ARGUMENT naming the field.

#include <string>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "services/metadata/analytics/analytics_reader.h"
#include "services/metadata/videos/video_facts_repo.h"
#include "vora/analytics/v1/queries.pb.h"

namespace vora::metadata {

// Sessions not heard of for longer are not watching now.
inline constexpr std::chrono::seconds kNow{30};
inline constexpr int kMaxTopVideos = 100;
inline constexpr int kMaxSessionEvents = 5000;
// The catalogue's bitrates are rounded up to a multiple of this: every video has other ones.
inline constexpr int64_t kCatalogBitrateStep = 250'000;

// With several tenants, a tenant's catalogue is that of its newest videos: their ids go into the SQL.
inline constexpr int kMaxCatalogVideos = 5000;

// Whether all videos are of one tenant (auth is off), so that nothing has to be told apart.
enum class Tenants { kOne, kSeparate };

// Each question is about the videos of `tenant` alone.
class AnalyticsQueries {
 public:
  AnalyticsQueries(VideoFactsRepo& videos, AnalyticsReader& reader, Tenants tenants, const Clock& clock = Clock::Real())
      : videos_(videos), reader_(reader), tenants_(tenants), clock_(clock) {}

  StatusOr<analytics::v1::VideoAnalytics> Video(const std::string& tenant, const analytics::v1::GetVideoAnalyticsRequest& request);
  StatusOr<analytics::v1::CatalogAnalytics> Catalog(const std::string& tenant, const analytics::v1::GetCatalogAnalyticsRequest& request);
  StatusOr<analytics::v1::ListSessionsResponse> Sessions(const std::string& tenant, const analytics::v1::ListSessionsRequest& request);
  StatusOr<analytics::v1::SessionDetail> Session(const std::string& tenant, const analytics::v1::GetSessionRequest& request);

 private:
  int64_t NowSince() const;
  VideoFactsRepo& videos_;
  AnalyticsReader& reader_;
  const Tenants tenants_;
  const Clock& clock_;
};

// 1 to 64 of A-Z a-z 0-9 - _
Status CheckSessionId(const std::string& session_id);

}  // namespace vora::metadata
