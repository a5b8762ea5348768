#pragma once

// One request's bytes on their way into the object store. While one part is hashed and uploaded in the background the next is received
// into a second buffer, so an upload never holds more than two. Nothing is acknowledged that the state document does not cover.
//
// The receiving side (Reserve, Commit, Advance) belongs to one request. Close may come from any thread, also while that request is
// still waiting for bytes: from then on Commit answers ABORTED, which is how a newer request takes an upload over.

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/core/digest.h"
#include "libs/core/status.h"
#include "libs/run/retry.h"
#include "libs/run/thread_pool.h"
#include "services/upload/metrics.h"
#include "services/upload/receive/buffer_pool.h"
#include "services/upload/state/upload_repo.h"

namespace vora::upload {

// What all sessions of a daemon share; outlives them.
struct SessionContext {
  UploadRepo& repo;
  BufferPool& buffers;
  ThreadPool& part_pool;  // hashes and uploads parts; blocks
  ThreadPool& hash_pool;  // never blocks
  UploadMetrics& metrics;
  int64_t max_bytes;
  int64_t checkpoint_bytes;  // the state is written at least this often
  std::chrono::milliseconds expiry;
  RetryOptions retry;  // short faults of the store
};

struct SessionRequest {
  std::optional<Checksum> checksum;  // then it is all or nothing
  std::optional<int64_t> length;     // declares the deferred length
};

enum class Ending {
  kEndOfBody,  // the request's body is complete
  kBroken,     // connection lost, taken over or draining: keep what arrived, unless a checksum was promised
  kDiscard,    // drop what was not checkpointed
};

struct Outcome {
  Status status;      // the bytes could not be made durable; what is durable is in the stored state
  bool kept = false;  // every committed byte is durable and acknowledged by `result`
  bool checksum_mismatch = false;
  Versioned result;  // valid when status is OK
};

class UploadSession : public std::enable_shared_from_this<UploadSession> {
 public:
  // Blocks. `current` must be unfinished. DATA_LOSS when acknowledged bytes are missing, UNAVAILABLE.
  static StatusOr<std::shared_ptr<UploadSession>> Open(SessionContext& context, Versioned current, SessionRequest request);

  struct Window {
    std::shared_ptr<PartBuffer> buffer;  // keep it while writing into `space`, even if the session is closed meanwhile
    std::span<char> space;
  };
  // Room for the next bytes; empty when the buffer is full: Advance first.
  Window Reserve();
  // Takes `bytes` of the last window. ABORTED: closed by somebody else. OUT_OF_RANGE: more than the upload's length.
  Status Commit(size_t bytes);
  // Hands the full buffer to the background if that does not block; false: call Advance.
  bool TryAdvance();
  // Blocks until the part before is durable, then hands over the full buffer. The former part's error, ABORTED when closed.
  Status Advance();
  // Blocks until everything is durable (or dropped). The first caller's ending counts; later callers get its outcome.
  Outcome Close(Ending ending);

 private:
  UploadSession(SessionContext& context, Versioned current, SessionRequest request);
  Status StartPart(std::unique_lock<std::mutex>& lock);
  void RunPart(const std::shared_ptr<PartBuffer>& buffer);
  Status StorePart(PartBuffer& buffer);
  Status Claim();
  Status SwapPatiently(UploadDoc next);
  UploadDoc Progress() const;
  Status Checkpoint();
  void Hash(PartBuffer& buffer);
  Outcome Flush(Ending ending);
  Status FlushRest();

  SessionContext& context_;
  const SessionRequest request_;
  const int64_t room_end_;  // the offset no byte may lie beyond

  // Only touched by the one part in flight, or by Close after it.
  Versioned current_;
  std::vector<std::string> part_etags_;
  size_t checkpointed_parts_;
  Sha256State sha256_;
  Sha256State stored_sha256_;  // over the stored parts only: a part may be hashed and then not stored
  std::unique_ptr<Digest> checksum_;
  bool claimed_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<PartBuffer> receiving_;
  std::shared_ptr<PartBuffer> spare_;
  bool in_flight_ = false;
  bool closing_ = false;
  bool closed_ = false;
  int64_t offset_;  // with what was committed
  Status error_;
  Outcome outcome_;
};

}  // namespace vora::upload
