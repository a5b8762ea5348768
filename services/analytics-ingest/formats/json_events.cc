#include "services/analytics-ingest/formats/json_events.h"

#include <cmath>

#include <simdjson.h>

#include "libs/core/error.h"
#include "services/analytics-ingest/events/json_fault.h"

namespace vora::analytics {
namespace {

namespace dom = simdjson::dom;

// One per thread: its memory is reused, and grows to the largest body.
dom::parser& ThreadParser() {
  thread_local dom::parser parser;
  return parser;
}

bool IsNumber(dom::element value) { return value.is_number(); }

double NumberOf(dom::element value) { return value.get_double().value_unsafe(); }

// -1: not a whole number from 0 on that an int64 holds.
int64_t WholeOf(dom::element value) {
  if (value.is_int64()) return std::max<int64_t>(value.get_int64().value_unsafe(), -1);
  // 5.0 and 1e3 are whole numbers as well.
  constexpr double kLimit = 9e18;
  if (!value.is_number()) return -1;
  const double number = NumberOf(value);
  return number >= 0 && number < kLimit && number == std::floor(number) ? static_cast<int64_t>(number) : -1;
}

void SetSeconds(EventBuilder& to, uint32_t& field, const char* name, dom::element value) {
  if (!IsNumber(value)) return to.Wrong(name, "must be a number of seconds");
  to.Seconds(field, name, NumberOf(value));
}

template <typename T>
void SetWhole(EventBuilder& to, T& field, const char* name, dom::element value, int64_t limit, int64_t unit = 1) {
  if (!IsNumber(value)) return to.Wrong(name, "must be a whole number");
  const int64_t number = WholeOf(value);
  if (to.Count(name, number, limit)) field = static_cast<T>(number / unit);
}

void SetPlayerTime(EventBuilder& to, dom::element value) {
  if (value.is_string()) return to.PlayerTime(value.get_string().value_unsafe());
  if (!IsNumber(value)) return to.Wrong("player_time", "must be an RFC 3339 time or Unix milliseconds");
  const double number = NumberOf(value);
  if (!(number >= 0 && number <= static_cast<double>(kMaxUnixMs))) return to.Wrong("player_time", "must be from 0 to 253402300799999");
  to.PlayerTime(static_cast<int64_t>(number));  // performance.timeOrigin has fractions
}

bool SetText(EventBuilder& to, std::string_view key, dom::element value) {
  const auto text = [&](const char* name) {
    if (!value.is_string()) to.Wrong(name, "must be a string");
    return value.is_string();
  };
  const auto view = [&] { return value.get_string().value_unsafe(); };
  if (key == "type") {
    if (text("type")) to.Type(view());
  } else if (key == "video_id") {
    if (text("video_id")) to.Id(to.event.video_id, "video_id", view());
  } else if (key == "session_id") {
    if (text("session_id")) to.Id(to.event.session_id, "session_id", view());
  } else if (key == "viewer_id") {
    if (text("viewer_id")) to.Viewer(view());
  } else if (key == "rendition") {
    if (text("rendition")) to.Label(to.event.rendition, "rendition", view());
  } else if (key == "error_code") {
    if (text("error_code")) to.Label(to.event.error_code, "error_code", view());
  } else {
    return false;
  }
  return true;
}

void SetMember(EventBuilder& to, std::string_view key, dom::element value) {
  if (value.is_null() || SetText(to, key, value)) return;
  Event& event = to.event;
  if (key == "sequence") {
    SetWhole(to, event.sequence, "sequence", value, kMaxSequence);
  } else if (key == "player_time") {
    SetPlayerTime(to, value);
  } else if (key == "position_seconds") {
    SetSeconds(to, event.position_ms, "position_seconds", value);
  } else if (key == "duration_seconds") {
    SetSeconds(to, event.duration_ms, "duration_seconds", value);
  } else if (key == "buffer_seconds") {
    SetSeconds(to, event.buffer_ms, "buffer_seconds", value);
  } else if (key == "bitrate") {
    SetWhole(to, event.bitrate, "bitrate", value, kMaxBitrate);
  } else if (key == "segment_index") {
    SetWhole(to, event.segment_index, "segment_index", value, std::numeric_limits<int32_t>::max());
  } else if (key == "throughput") {
    SetWhole(to, event.throughput_kbps, "throughput", value, kMaxThroughput, 1000);
  } else if (key == "bytes") {
    SetWhole(to, event.bytes, "bytes", value, kMaxObjectSize);
  }
}

void ReadEvent(dom::element value, Batch& batch) {
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return batch.Reject("", "an event must be a JSON object");
  EventBuilder& builder = batch.Begin();
  for (const auto member : object) SetMember(builder, member.key, member.value);
  batch.End();
}

Status ReadArray(dom::array events, int64_t max_events, Batch& batch) {
  // Not events.size(): that one is saturated.
  for (const dom::element event : events) {
    if (batch.seen() >= max_events) return TooManyEvents(max_events);
    ReadEvent(event, batch);
  }
  return absl::OkStatus();
}

Status ReadEnvelope(dom::object envelope, dom::array events, int64_t max_events, Batch& batch) {
  EventBuilder defaults;
  defaults.Begin(batch.base());
  for (const auto member : envelope) {
    const bool own = member.key == "events" || member.key == "sequence" || member.key == "type";
    if (!own) SetMember(defaults, member.key, member.value);
  }
  if (!defaults.ok()) return InvalidField(defaults.field(), defaults.reason());
  batch.base() = defaults.event;
  batch.SetBaseViewer(defaults.viewer_id());
  return ReadArray(events, max_events, batch);
}

std::string FaultOf(std::string_view text, simdjson::error_code error) { return JsonFault(text, simdjson::error_message(error)); }

}  // namespace

Status ReadJsonEvents(std::string& body, int64_t max_events, Batch& batch) {
  const size_t size = body.size();
  batch.Reserve(size);  // rows are about as large as their events
  // simdjson reads a little beyond the end, and is told not to copy the body for that.
  body.resize(size + simdjson::SIMDJSON_PADDING);
  dom::element root;
  const auto error = ThreadParser().parse(body.data(), size, false).get(root);
  if (error) return InvalidArgument("the body is not JSON: " + FaultOf({body.data(), size}, error));
  dom::array events;
  if (root.get(events) == simdjson::SUCCESS) return ReadArray(events, max_events, batch);
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS) {
    return InvalidArgument("the body must be an event, an array of events, or an object with `events`");
  }
  dom::element inner;
  if (object["events"].get(inner) != simdjson::SUCCESS) {
    ReadEvent(root, batch);
    return absl::OkStatus();
  }
  if (inner.get(events) != simdjson::SUCCESS) return InvalidField("events", "must be an array");
  return ReadEnvelope(object, events, max_events, batch);
}

Status ReadJsonLines(std::string& body, int64_t max_events, Batch& batch) {
  const size_t size = body.size();
  batch.Reserve(size);  // rows are about as large as their events
  // Each line has the next one as its padding; only the last needs bytes of its own.
  body.resize(size + simdjson::SIMDJSON_PADDING);
  for (size_t begin = 0; begin < size;) {
    const size_t end = std::min(body.find('\n', begin), size);
    const std::string_view line(body.data() + begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (batch.seen() >= max_events) return TooManyEvents(max_events);
    dom::element event;
    const auto error = ThreadParser().parse(line.data(), line.size(), false).get(event);
    if (error) {
      batch.Reject("", "the line is not JSON: " + FaultOf(line, error));
    } else {
      ReadEvent(event, batch);
    }
  }
  return absl::OkStatus();
}

}  // namespace vora::analytics
