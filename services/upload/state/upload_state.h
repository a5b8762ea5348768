#pragma once

// One upload's durable state, its JSON form in the object store, and the table of its transitions. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/caller.h"
#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "services/upload/headers/tus_headers.h"

namespace vora::upload {

inline constexpr int64_t kPartSize = 8 << 20;
inline constexpr int64_t kMaxParts = 10000;  // S3's limit
inline constexpr int64_t kMaxUploadBytes = kPartSize * kMaxParts;

enum class State { kCreated, kUploading, kUploaded, kFailed };

// Why an upload FAILED; decides how requests for it are answered.
enum class Failure { kNone, kChecksumMismatch, kExpired, kTerminated, kBytesLost };

std::string_view StateName(State state);        // CREATED
std::string_view FailureName(Failure failure);  // CHECKSUM_MISMATCH

// FAILED_PRECONDITION naming both states unless the table allows `from` -> `to`:
//   CREATED   -> CREATED, UPLOADING, UPLOADED, FAILED
//   UPLOADING -> UPLOADING, UPLOADED, FAILED
//   UPLOADED  -> none
//   FAILED    -> FAILED (bytes freed)
Status CheckTransition(State from, State to);

// Acknowledged bytes lie in `parts` (each kPartSize long), then in the tail object. `offset` = parts * kPartSize + tail_bytes.
struct UploadDoc {
  std::string upload_id;
  std::string tenant = kDefaultTenant;
  int64_t version = 0;  // grows with every write, so that no two versions have the same ETag
  std::string writer;   // random per write: finds out whether a write of unknown outcome was ours
  State state = State::kCreated;
  int64_t offset = 0;
  std::optional<int64_t> length;  // absent while deferred
  std::string metadata_header;    // Upload-Metadata as sent
  std::string multipart_id;       // empty until the first part
  std::vector<std::string> part_etags;
  int64_t tail_number = 0;   // the last tail written; the next is higher
  int64_t tail_bytes = 0;    // 0: there is no tail object
  std::string sha256_state;  // Sha256State over [0, offset)
  std::string sha256;        // hex, once UPLOADED
  Failure failure_kind = Failure::kNone;
  std::string failure;       // for people
  bool bytes_freed = false;  // FAILED: parts and tails are gone
  std::string traceparent;
  int64_t created_unix_ms = 0;
  int64_t updated_unix_ms = 0;
  int64_t expires_unix_ms = 0;  // of unfinished and failed uploads
  int64_t missing_unix_ms = 0;  // when acknowledged bytes were first not found as the upload was to be completed

  bool finished() const { return state == State::kUploaded || state == State::kFailed; }
  // Every byte is durable, but the object is not finalised yet.
  bool awaits_finish() const { return !finished() && length && offset == *length; }
  bool expired(SystemTime now) const;
  // The most bytes it may have: its length, or the limit while that is deferred.
  int64_t room_end(int64_t max_bytes) const { return length ? *length : max_bytes; }
};

std::string ToJson(const UploadDoc& doc);
// DATA_LOSS when `json` is no upload state, or contradicts itself (offset, parts and tail).
StatusOr<UploadDoc> FromJson(std::string_view json);

}  // namespace vora::upload
