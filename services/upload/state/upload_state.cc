#include "services/upload/state/upload_state.h"

#include <array>
#include <nlohmann/json.hpp>

namespace vora::upload {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> kStates{"CREATED", "UPLOADING", "UPLOADED", "FAILED"};
constexpr std::array<std::string_view, 5> kFailures{"NONE", "CHECKSUM_MISMATCH", "EXPIRED", "TERMINATED", "BYTES_LOST"};

// Rows: from; columns: to.
constexpr bool kAllowed[4][4] = {
    {true, true, true, true},
    {false, true, true, true},
    {false, false, false, false},
    {false, false, false, true},
};

template <size_t N>
int IndexOf(const std::array<std::string_view, N>& names, const std::string& name) {
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<int>(i);
  }
  throw std::invalid_argument("unknown name " + name);
}

Status CheckDoc(const UploadDoc& doc) {
  // These name no parts any more.
  if (doc.finished()) return {};
  int64_t held = static_cast<int64_t>(doc.part_etags.size()) * kPartSize + doc.tail_bytes;
  if (doc.offset < 0 || doc.tail_bytes < 0 || held != doc.offset) {
    return DataLoss("upload state: offset " + std::to_string(doc.offset) + " but parts and tail hold " + std::to_string(held) + " bytes");
  }
  if (doc.length && doc.offset > *doc.length) return DataLoss("upload state: offset lies beyond the length");
  if (!doc.part_etags.empty() && doc.multipart_id.empty()) return DataLoss("upload state: parts without a multipart upload");
  return {};
}

}  // namespace

std::string_view StateName(State state) { return kStates[static_cast<size_t>(state)]; }
std::string_view FailureName(Failure failure) { return kFailures[static_cast<size_t>(failure)]; }

Status CheckTransition(State from, State to) {
  if (kAllowed[static_cast<size_t>(from)][static_cast<size_t>(to)]) return {};
  return FailedPrecondition("an upload cannot go from " + std::string(StateName(from)) + " to " + std::string(StateName(to)));
}

bool UploadDoc::expired(SystemTime now) const {
  if (state == State::kFailed) return failure_kind == Failure::kExpired;
  // Every byte is there: it waits for its end, and time must not take that away.
  return state != State::kUploaded && !awaits_finish() && ToUnixMs(now) >= expires_unix_ms;
}

std::string ToJson(const UploadDoc& doc) {
  json j = {{"upload_id", doc.upload_id},
            {"tenant", doc.tenant},
            {"version", doc.version},
            {"writer", doc.writer},
            {"state", StateName(doc.state)},
            {"offset", doc.offset},
            {"metadata", doc.metadata_header},
            {"multipart_id", doc.multipart_id},
            {"part_size", kPartSize},
            {"parts", doc.part_etags},
            {"tail", {{"number", doc.tail_number}, {"bytes", doc.tail_bytes}}},
            {"sha256_state", doc.sha256_state},
            {"sha256", doc.sha256},
            {"failure_kind", FailureName(doc.failure_kind)},
            {"failure", doc.failure},
            {"bytes_freed", doc.bytes_freed},
            {"traceparent", doc.traceparent},
            {"created_unix_ms", doc.created_unix_ms},
            {"updated_unix_ms", doc.updated_unix_ms},
            {"expires_unix_ms", doc.expires_unix_ms},
            {"missing_unix_ms", doc.missing_unix_ms}};
  if (doc.length) j["length"] = *doc.length;
  return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

StatusOr<UploadDoc> FromJson(std::string_view text) {
  UploadDoc doc;
  try {
    json j = json::parse(text);
    doc.upload_id = j.at("upload_id").get<std::string>();
    doc.tenant = j.at("tenant").get<std::string>();
    doc.version = j.at("version").get<int64_t>();
    doc.writer = j.at("writer").get<std::string>();
    doc.state = static_cast<State>(IndexOf(kStates, j.at("state").get<std::string>()));
    doc.offset = j.at("offset").get<int64_t>();
    if (j.contains("length")) doc.length = j["length"].get<int64_t>();
    doc.metadata_header = j.at("metadata").get<std::string>();
    doc.multipart_id = j.at("multipart_id").get<std::string>();
    // The offset is reckoned in parts of this size.
    if (j.at("part_size").get<int64_t>() != kPartSize) return DataLoss("upload state: written with another part size");
    doc.part_etags = j.at("parts").get<std::vector<std::string>>();
    doc.tail_number = j.at("tail").at("number").get<int64_t>();
    doc.tail_bytes = j.at("tail").at("bytes").get<int64_t>();
    doc.sha256_state = j.at("sha256_state").get<std::string>();
    doc.sha256 = j.at("sha256").get<std::string>();
    doc.failure_kind = static_cast<Failure>(IndexOf(kFailures, j.at("failure_kind").get<std::string>()));
    doc.failure = j.at("failure").get<std::string>();
    doc.bytes_freed = j.at("bytes_freed").get<bool>();
    doc.traceparent = j.at("traceparent").get<std::string>();
    doc.created_unix_ms = j.at("created_unix_ms").get<int64_t>();
    doc.updated_unix_ms = j.at("updated_unix_ms").get<int64_t>();
    doc.expires_unix_ms = j.at("expires_unix_ms").get<int64_t>();
    doc.missing_unix_ms = j.value("missing_unix_ms", int64_t{0});
  } catch (const std::exception& e) {
    return DataLoss(std::string("upload state: ") + e.what());
  }
  VORA_RETURN_IF_ERROR(CheckDoc(doc));
  return doc;
}

}  // namespace vora::upload
