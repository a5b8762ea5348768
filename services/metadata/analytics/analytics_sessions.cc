#include <algorithm>

#include "services/metadata/analytics/analytics_range.h"
#include "services/metadata/analytics/analytics_tables_internal.h"

namespace vora::metadata {
namespace {

namespace an = analytics::v1;

void AddLines(const std::string& lines, google::protobuf::RepeatedPtrField<std::string>* list) {
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    *list->Add() = lines.substr(begin, end - begin);
    begin = end + 1;
  }
}

double ToSeconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

}  // namespace

StatusOr<std::vector<SessionRead>> ReadSessions(Turn& turn, const std::string& sql) {
  VORA_ASSIGN_OR_RETURN(const auto rows, turn.Read(sql, 14));
  std::vector<SessionRead> sessions;
  for (const AnalyticsRow& row : rows) {
    FieldReader field(row);
    SessionRead& read = sessions.emplace_back();
    an::Session& session = read.session;
    session.set_session_id(field.Text());
    session.set_video_id(field.Text());
    read.begun_ms = field.Int();
    read.heard_ms = field.Int();
    *session.mutable_started_at() = ToTimestamp(read.begun_ms);
    *session.mutable_last_seen_at() = ToTimestamp(read.heard_ms);
    session.set_startup_seconds(field.Seconds());
    session.set_watch_seconds(field.Seconds());
    session.set_stalls(field.Int());
    session.set_stall_seconds(field.Seconds());
    session.set_errors(field.Int());
    AddLines(field.Text(), session.mutable_renditions());
    session.set_exit_seconds(field.Seconds());
    session.set_ended(field.Int() != 0);
    session.set_events(field.Int());
    session.set_lost_events(field.Int());
    VORA_RETURN_IF_ERROR(field.Finish());
  }
  return sessions;
}

StatusOr<std::vector<ViewEvent>> ReadEvents(Turn& turn, const std::string& sql) {
  VORA_ASSIGN_OR_RETURN(const auto rows, turn.Read(sql, 16));
  std::vector<ViewEvent> events;
  for (const AnalyticsRow& row : rows) {
    FieldReader field(row);
    ViewEvent& event = events.emplace_back();
    event.server_ms = field.Int();
    event.player_ms = field.Int();
    event.sequence = field.Int();
    event.type = field.Text();
    event.position_ms = field.Int();
    event.duration_ms = field.Int();
    event.rendition = field.Text();
    event.bitrate = field.Int();
    event.segment_index = field.Int();
    event.error_code = field.Text();
    event.buffer_ms = field.Int();
    event.cache = field.Text();
    event.origin_ms = field.Int();
    event.bytes = field.Int();
    event.status = field.Int();
    event.object = field.Text();
    VORA_RETURN_IF_ERROR(field.Finish());
  }
  return events;
}

an::SessionEvent ToProto(const ViewEvent& event) {
  an::SessionEvent proto;
  *proto.mutable_time() = ToTimestamp(event.server_ms);
  if (event.player_ms > 0) *proto.mutable_player_time() = ToTimestamp(event.player_ms);
  // Below -1 lie the numbers that ingest made up for events without one; to clients all of these have none.
  proto.set_sequence(std::max<int64_t>(event.sequence, -1));
  proto.set_type(event.type);
  proto.set_position_seconds(ToSeconds(event.position_ms));
  proto.set_duration_seconds(ToSeconds(event.duration_ms));
  proto.set_rendition(event.rendition);
  proto.set_bitrate(event.bitrate);
  proto.set_segment_index(static_cast<int32_t>(std::max<int64_t>(event.segment_index, -1)));
  proto.set_error_code(event.error_code);
  proto.set_cache(event.cache);
  proto.set_origin_seconds(ToSeconds(event.origin_ms));
  proto.set_bytes(event.bytes);
  proto.set_status(static_cast<int32_t>(event.status));
  proto.set_object(event.object);
  return proto;
}

}  // namespace vora::metadata
