#include "services/metadata/analytics/analytics_queries.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "services/metadata/analytics/analytics_range.h"
#include "services/metadata/analytics/analytics_tables_internal.h"
#include "services/metadata/videos/video_fields.h"

namespace vora::metadata {
namespace {

namespace an = analytics::v1;
constexpr size_t kMaxIdBytes = 64;
constexpr int kDefaultTop = 10;

bool IsIdText(const std::string& text) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
  return !text.empty() && text.size() <= kMaxIdBytes && std::all_of(text.begin(), text.end(), fits);
}

// A session page's token: where the page before ended, and of which list it is.
// It binds the token to its list: in another video's list the cursor would be a place that means nothing.
std::string QueryFingerprint(const AnalyticsScope& scope) { return HexEncode(Sha256(scope.tenant + "/" + scope.video_id)).substr(0, 8); }

std::string MakeToken(const AnalyticsScope& scope, const SessionRead& last) {
  return Base64UrlEncode(QueryFingerprint(scope) + "." + std::to_string(last.begun_ms) + "." + last.session.session_id());
}

StatusOr<SessionCursor> ParseToken(const AnalyticsScope& scope, const std::string& token) {
  SessionCursor cursor;
  if (token.empty()) return cursor;
  const Status broken = InvalidField("page_token", "not a token of this list; use next_page_token of the page before");
  const auto text = Base64UrlDecode(token);
  if (!text || text->substr(0, 9) != QueryFingerprint(scope) + ".") return broken;
  const size_t dot = text->find('.', 9);
  if (dot == std::string::npos) return broken;
  const auto parsed = std::from_chars(text->data() + 9, text->data() + dot, cursor.begun_ms);
  cursor.session_id = text->substr(dot + 1);
  if (parsed.ec != std::errc() || parsed.ptr != text->data() + dot || !IsIdText(cursor.session_id)) return broken;
  return cursor;
}

int64_t CompleteMs(double duration_seconds) { return std::llround(duration_seconds * 1000 * 0.95); }

}  // namespace

Status CheckSessionId(const std::string& session_id) {
  return IsIdText(session_id) ? absl::OkStatus() : InvalidField("session_id", "must be 1 to 64 of A-Z a-z 0-9 - _");
}

int64_t AnalyticsQueries::NowSince() const { return ToUnixMs(clock_.Now() - kNow); }

StatusOr<an::VideoAnalytics> AnalyticsQueries::Video(const std::string& tenant, const an::GetVideoAnalyticsRequest& request) {
  VORA_ASSIGN_OR_RETURN(const AnalyticsRange range, ResolveRange(request.range(), clock_.Now()));
  VORA_ASSIGN_OR_RETURN(const VideoFacts video, videos_.Get(tenant, request.video_id()));
  VORA_ASSIGN_OR_RETURN(Turn turn, reader_.Begin());
  const AnalyticsScope scope{tenant, request.video_id(), range.from_ms, range.to_ms};
  an::VideoAnalytics answer;
  answer.set_video_id(request.video_id());
  *answer.mutable_range() = ToProto(range);
  VORA_ASSIGN_OR_RETURN(const TotalsRead read, ReadTotals(turn, scope, CompleteMs(video.duration_seconds)));
  *answer.mutable_totals() = read.totals;
  VORA_ASSIGN_OR_RETURN(const auto now, ReadViewersNow(turn, scope.tenant, scope.video_id, NowSince()));
  for (const auto& [id, viewers] : now) answer.mutable_totals()->set_viewers_now(viewers);
  const RetentionGrid grid = MakeRetentionGrid(video.segment_seconds, video.duration_seconds, read.furthest_ms);
  answer.set_bucket_seconds(static_cast<double>(grid.bucket_ms) / 1000);
  answer.set_series_seconds(SeriesSeconds(range));
  // Without views there is nothing to divide by, and every further statement would come back empty.
  if (read.totals.views() == 0) return answer;
  VORA_ASSIGN_OR_RETURN(const auto names, ReadRenditionNames(turn, scope));
  VORA_RETURN_IF_ERROR(ReadRetention(turn, scope, grid, read.totals.views(), answer.mutable_retention()));
  VORA_RETURN_IF_ERROR(ReadBitrates(turn, scope, names, read.totals.watch_seconds(), answer.mutable_bitrates()));
  VORA_RETURN_IF_ERROR(ReadSeries(turn, scope, answer.series_seconds(), names, answer.mutable_series()));
  return answer;
}

StatusOr<an::CatalogAnalytics> AnalyticsQueries::Catalog(const std::string& tenant, const an::GetCatalogAnalyticsRequest& request) {
  if (request.top() < 0 || request.top() > kMaxTopVideos) {
    return InvalidField("top", "must be a number from 1 to " + std::to_string(kMaxTopVideos));
  }
  VORA_ASSIGN_OR_RETURN(const AnalyticsRange range, ResolveRange(request.range(), clock_.Now()));
  std::vector<an::VideoShare> videos;
  an::CatalogAnalytics answer;
  {
    // The turn ends with this block: others may have its place while PostgreSQL is asked for titles.
    AnalyticsScope scope{tenant, "", range.from_ms, range.to_ms};
    // What players report lies under one tenant for all, so only the ids of its videos keep a tenant's catalogue its own.
    if (tenants_ == Tenants::kSeparate) {
      VORA_ASSIGN_OR_RETURN(scope.only, videos_.NewestIds(tenant, kMaxCatalogVideos));
    }
    VORA_ASSIGN_OR_RETURN(Turn turn, reader_.Begin());
    *answer.mutable_range() = ToProto(range);
    VORA_ASSIGN_OR_RETURN(TopVideosRead read, ReadTopVideos(turn, scope, request.top() == 0 ? kDefaultTop : request.top()));
    *answer.mutable_totals() = read.totals;
    videos = std::move(read.videos);
    VORA_ASSIGN_OR_RETURN(const auto now, ReadViewersNow(turn, scope.tenant, "", NowSince()));
    int64_t viewers_now = 0;
    std::map<std::string, int64_t> now_of;
    const std::set<std::string> mine = scope.only ? std::set<std::string>(scope.only->begin(), scope.only->end()) : std::set<std::string>();
    for (const auto& [id, viewers] : now) {
      if (scope.only && !mine.contains(id)) continue;
      viewers_now += viewers;
      now_of[id] = viewers;
    }
    answer.mutable_totals()->set_viewers_now(viewers_now);
    answer.set_series_seconds(SeriesSeconds(range));
    if (read.totals.views() == 0) return answer;
    for (an::VideoShare& video : videos) video.set_viewers_now(now_of[video.video_id()]);
    VORA_RETURN_IF_ERROR(ReadSeriesOfAll(turn, scope, kCatalogBitrateStep, answer));
  }
  std::vector<std::string> ids;
  for (const an::VideoShare& video : videos) ids.push_back(video.video_id());
  VORA_ASSIGN_OR_RETURN(const auto facts, videos_.Find(tenant, ids));
  for (an::VideoShare& video : videos) {
    if (const auto known = facts.find(video.video_id()); known != facts.end()) video.set_title(known->second.title);
    *answer.add_videos() = std::move(video);
  }
  return answer;
}

StatusOr<an::ListSessionsResponse> AnalyticsQueries::Sessions(const std::string& tenant, const an::ListSessionsRequest& request) {
  VORA_ASSIGN_OR_RETURN(const int page_size, CheckPageSize(request.page_size()));
  VORA_ASSIGN_OR_RETURN(const AnalyticsRange range, ResolveRange(request.range(), clock_.Now()));
  const AnalyticsScope scope{tenant, request.video_id(), range.from_ms, range.to_ms};
  VORA_ASSIGN_OR_RETURN(const SessionCursor after, ParseToken(scope, request.page_token()));
  VORA_RETURN_IF_ERROR(videos_.Get(tenant, request.video_id()).status());
  VORA_ASSIGN_OR_RETURN(Turn turn, reader_.Begin());
  // One more than the page holds tells whether another page follows.
  VORA_ASSIGN_OR_RETURN(const auto sessions, ReadSessions(turn, SessionsSql(scope, after, page_size + 1)));
  an::ListSessionsResponse answer;
  for (size_t i = 0; i < sessions.size(); ++i) {
    if (answer.sessions_size() == page_size) {
      answer.set_next_page_token(MakeToken(scope, sessions[i - 1]));
      break;
    }
    *answer.add_sessions() = sessions[i].session;
  }
  return answer;
}

StatusOr<an::SessionDetail> AnalyticsQueries::Session(const std::string& tenant, const an::GetSessionRequest& request) {
  VORA_RETURN_IF_ERROR(CheckSessionId(request.session_id()));
  if (!request.video_id().empty() && !IsIdText(request.video_id())) return InvalidField("video_id", "must be 1 to 64 of A-Z a-z 0-9 - _");
  VORA_ASSIGN_OR_RETURN(Turn turn, reader_.Begin());
  VORA_ASSIGN_OR_RETURN(const auto found, ReadSessions(turn, SessionSql(tenant, request.session_id(), request.video_id())));
  if (found.empty()) return NotFound("no session " + request.session_id());
  const SessionRead& read = found[0];
  // The session was found by an id that anybody may name; whose it is only its video tells. The answer is the same as where there is none.
  if (tenants_ == Tenants::kSeparate) {
    const Status mine = videos_.Get(tenant, read.session.video_id()).status();
    if (mine.code() == StatusCode::kNotFound) return NotFound("no session " + request.session_id());
    VORA_RETURN_IF_ERROR(mine);
  }
  const std::string sql =
      SessionEventsSql(tenant, read.session.video_id(), request.session_id(), read.begun_ms, read.heard_ms, kMaxSessionEvents + 1);
  VORA_ASSIGN_OR_RETURN(std::vector<ViewEvent> events, ReadEvents(turn, sql));
  an::SessionDetail answer;
  *answer.mutable_session() = read.session;
  if (events.size() > kMaxSessionEvents) {
    events.resize(kMaxSessionEvents);
    answer.set_more_events(true);
  }
  for (an::Stall& stall : ExplainStalls(events)) *answer.add_stalls() = std::move(stall);
  for (const ViewEvent& event : events) *answer.add_events() = ToProto(event);
  return answer;
}

}  // namespace vora::metadata
