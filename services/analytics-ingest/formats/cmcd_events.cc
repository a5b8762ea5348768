#include "services/analytics-ingest/formats/cmcd_events.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "libs/layout/layout.h"

namespace vora::analytics {
namespace {

// Each event may make up to three rows. Their sequences lie below 0, since the numbers of CMCD count per receiver and also events that Vora
// has no row for: a gap says nothing. But they are the same when the player sends an event again.
enum Part { kMain = 0, kWatched = 1, kStalled = 2 };
constexpr int64_t kParts = 4;
constexpr int64_t kFirstSequence = -2;  // -1 asks for a random one

int64_t SequenceOf(const cmcd::Cmcd& from, Part part) {
  return from.sequence ? kFirstSequence - (*from.sequence * kParts + part) : RandomSequence();
}

// Numbers beyond what a column holds say "at least this much".
template <typename T>
T Capped(const std::optional<int64_t>& value, int64_t unit = 1) {
  const int64_t limit = static_cast<int64_t>(std::numeric_limits<T>::max()) / unit;
  return static_cast<T>(std::min(value.value_or(0), limit) * unit);
}

uint32_t Position(const std::optional<int64_t>& ms) {
  return static_cast<uint32_t>(std::min<int64_t>(ms.value_or(0), static_cast<int64_t>(kMaxPositionSeconds) * 1000));
}

void Fill(const cmcd::Cmcd& from, EventBuilder& to) {
  if (from.content_id.empty()) return to.Wrong("cid", "is missing; it must be the video's id");
  if (from.session_id.empty()) return to.Wrong("sid", "is missing");
  to.Id(to.event.video_id, "cid", from.content_id);
  to.Id(to.event.session_id, "sid", from.session_id);
  Event& event = to.event;
  event.source = EventSource::kCmcd;
  if (from.timestamp_ms && *from.timestamp_ms <= kMaxUnixMs) event.player_ms = *from.timestamp_ms;
  event.position_ms = Position(from.position_ms);
  event.bitrate = static_cast<uint32_t>(std::min<int64_t>(from.bitrate_kbps.value_or(0), kMaxBitrate / 1000) * 1000);
  event.buffer_ms = Capped<uint32_t>(from.buffer_ms);
  event.throughput_kbps = Capped<uint32_t>(from.throughput_kbps);
  const ObjectName name = NameOfObject(from.url);
  event.segment_index = name.segment_index;
  to.Label(event.rendition, "url", name.rendition);
  to.Label(event.error_code, "ec", from.error_code);
}

void AddPart(Batch& batch, Event event, EventType type, int64_t sequence, int64_t duration_ms) {
  event.type = type;
  event.sequence = sequence;
  event.duration_ms = Position(duration_ms);
  // An event may become several rows; error and segment belong to the one that is about them.
  if (type != EventType::kError) event.error_code.clear();
  if (type != EventType::kSegmentFetched) event.segment_index = -1;
  batch.AddRow(event);
}

// The row for the event itself; false: there is none.
bool MainType(const cmcd::Cmcd& from, EventType& type) {
  const std::string& e = from.event;
  const std::string& sta = from.player_state;
  if (e == "rr")
    type = EventType::kSegmentFetched;
  else if (e == "bc")
    type = EventType::kBitrateSelected;
  else if (e == "e")
    type = EventType::kError;
  else if (e != "ps")
    return false;
  else if (sta == "p")
    type = EventType::kPlay;
  else if (sta == "a")
    type = EventType::kPause;
  else if (sta == "k")
    type = EventType::kSeek;
  else if (sta == "e" || sta == "q")
    type = EventType::kEnded;
  else if (sta == "f")
    type = EventType::kError;
  else
    return false;
  return true;
}

int64_t MainDuration(const cmcd::Cmcd& from, EventType type) {
  if (type == EventType::kPlay) return from.startup_ms.value_or(0);
  if (type == EventType::kSegmentFetched) return from.time_to_last_byte_ms.value_or(0);
  return 0;
}

void AddEvent(const cmcd::Cmcd& from, CmcdSessions& sessions, Batch& batch) {
  EventBuilder& builder = batch.Begin();
  if (from.event.empty()) builder.Wrong("e", "is missing; every line of event mode names its event");
  Fill(from, builder);
  if (!builder.ok()) return batch.Reject(builder.field(), builder.reason());
  const Event event = builder.event;
  CmcdReport report;
  // Responses tell of a request that began earlier: their time is not that of the playhead.
  if (from.event != "rr") report.time_ms = from.timestamp_ms.value_or(0);
  report.position_ms = from.position_ms;
  report.state = from.player_state;
  report.rate = from.playback_rate.value_or(1);
  if (from.stall_ms.value_or(0) > 0) report.stall_ms = from.stall_ms;
  const CmcdInterval interval = sessions.Report(event.video_id + '/' + event.session_id, report);
  if (interval.watched_ms > 0) AddPart(batch, event, EventType::kWatchTime, SequenceOf(from, kWatched), interval.watched_ms);
  if (interval.stalled_ms > 0) AddPart(batch, event, EventType::kStall, SequenceOf(from, kStalled), interval.stalled_ms);
  EventType type{};
  if (MainType(from, type)) {
    AddPart(batch, event, type, SequenceOf(from, kMain), MainDuration(from, type));
  } else if (interval.watched_ms <= 0 && interval.stalled_ms <= 0) {
    return batch.Ignore();
  }
  batch.Accept();
}

}  // namespace

ObjectName NameOfObject(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const size_t slash = url.rfind('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view file = url.substr(slash + 1);
  const auto index = layout::SegmentIndex(file);
  if (!index) return {};
  ObjectName name;
  name.segment_index = *index;
  const std::string_view folder = url.substr(0, slash);
  name.rendition = folder.substr(folder.rfind('/') + 1);  // npos + 1 is 0
  // A URL may be anything, and a folder that is no name is no rendition.
  if (!IsIdText(name.rendition)) name.rendition = {};
  return name;
}

void AddCmcdRequest(const StatusOr<cmcd::Cmcd>& parsed, Batch& batch) {
  if (!parsed.ok()) return batch.Reject("CMCD", Message(parsed.status()));
  EventBuilder& builder = batch.Begin();
  Fill(*parsed, builder);
  if (!builder.ok()) return batch.Reject(builder.field(), builder.reason());
  const Event event = builder.event;
  // Starved before this request; how long, version 1 does not know. Audio requests tell it too, so only the video's count.
  const std::string& kind = parsed->object_type;
  const bool counts = kind.empty() || kind == "v" || kind == "av";
  if (counts && (parsed->buffer_starved || parsed->stall_ms.value_or(0) > 0)) {
    AddPart(batch, event, EventType::kStall, RandomSequence(), parsed->stall_ms.value_or(0));
  }
  AddPart(batch, event, EventType::kSegmentFetched, RandomSequence(), parsed->time_to_last_byte_ms.value_or(0));
  batch.Accept();
}

Status AddCmcdEvents(std::string_view body, int64_t max_events, CmcdSessions& sessions, Batch& batch) {
  // Counted before anything is parsed: a body of too many lines is not worth the work.
  const int64_t lines = std::count(body.begin(), body.end(), '\n');
  if (lines > max_events) return TooManyEvents(max_events);
  for (const StatusOr<cmcd::Cmcd>& parsed : cmcd::ParseEvents(body)) {
    if (parsed.ok()) {
      AddEvent(*parsed, sessions, batch);
    } else {
      batch.Reject("CMCD", Message(parsed.status()));
    }
  }
  return absl::OkStatus();
}

}  // namespace vora::analytics
