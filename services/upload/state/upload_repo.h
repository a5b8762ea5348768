#pragma once

// Uploads in the object store: the state document changed by compare-and-swap, the tails, and the markers that make sweeps cheap.
//   raw/{id}/state, raw/{id}/original, raw/{id}/tail.{n}   as in ARCHITECTURE.md
//   open/{id}       empty; stands while the upload is neither UPLOADED nor purged, so that a sweep lists only those
//   announce/{id}   empty; a finished upload its listeners have not acknowledged yet
// Thread-safe; calls block.

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/storage/base/object_store.h"
#include "services/upload/state/upload_state.h"

namespace vora::upload {

// A document as it was read, with what the next write has to match.
struct Versioned {
  UploadDoc doc;
  std::string etag;
};

class UploadRepo {
 public:
  UploadRepo(storage::ObjectStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  StatusOr<Versioned> Create(UploadDoc doc);
  // NOT_FOUND, DATA_LOSS, UNAVAILABLE.
  StatusOr<Versioned> Load(const std::string& upload_id);
  // Writes `next` over `current` and makes `current` the result. ABORTED when somebody else wrote meanwhile (then `current` is
  // stale), FAILED_PRECONDITION for a transition the table forbids. An answer lost on the way is looked up, not guessed. To repeat a
  // write whose outcome stayed unknown (UNAVAILABLE), pass the same `next` with the same `writer` from NewWriter().
  Status Swap(Versioned& current, UploadDoc next);
  static std::string NewWriter();
  // ABORTED when the stored document is no longer `current`.
  Status CheckUnchanged(const Versioned& current);

  // Writes `bytes` as a tail nobody else has written, numbered above `doc.tail_number`; returns the number.
  StatusOr<int64_t> PutTail(const UploadDoc& doc, std::string_view bytes);
  // The tail of `doc`, exactly doc.tail_bytes long; empty when there is none. DATA_LOSS when it is missing or of another size.
  StatusOr<std::string> GetTail(const UploadDoc& doc);
  void DropTail(const std::string& upload_id, int64_t number);
  // After a lost race: undo what this side prepared, unless the stored document turns out to use it after all.
  void DropTailIfUnused(const std::string& upload_id, int64_t number);
  void AbortMultipartIfUnused(const std::string& upload_id, const std::string& multipart_id);
  Status DropAllTails(const std::string& upload_id);

  // Aborts the multipart upload and deletes tails, and the object itself.
  Status FreeBytes(const UploadDoc& doc);
  // Deletes the state and every marker. The bytes must have been freed.
  Status Purge(const std::string& upload_id);

  storage::ObjectStore& store() { return store_; }
  const Clock& clock() const { return clock_; }

 private:
  storage::ObjectStore& store_;
  const Clock& clock_;
};

}  // namespace vora::upload
