#pragma once

// What can be done with an upload, whatever protocol asks: create, receive, look, terminate. Thread-safe; every call blocks.
// An upload is its tenant's: for callers of another it is not there, except for the fleet's.

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "libs/core/caller.h"
#include "services/upload/headers/tus_headers.h"
#include "services/upload/receive/finisher.h"
#include "services/upload/receive/upload_locks.h"
#include "services/upload/receive/upload_session.h"

namespace vora::upload {

// When a client may try again that meets a store which is away, or a server that restarts or is full.
inline constexpr int64_t kRetryAfterSeconds = 2;
// What a client is told about a fault of the engine.
Status RefusalOf(const Status& status);
// 410, or what else a FAILED upload is answered with.
Status RefusalOf(const UploadDoc& failed);

// A request that is sending bytes. Without a session the upload was complete already.
struct Receiving {
  UploadLocks::Lease lease;
  std::shared_ptr<UploadSession> session;
  UploadDoc doc;  // as it was at the beginning
};

class UploadEngine {
 public:
  UploadEngine(SessionContext& context, Finisher& finisher, std::chrono::milliseconds patience)
      : context_(context), finisher_(finisher), patience_(patience) {}

  // A zero-length upload is UPLOADED right away.
  StatusOr<UploadDoc> Create(const CreateRequest& request, const Caller& caller, const std::string& traceparent);
  // Takes the upload over from any older request and opens it at patch.offset. `content_length` is absent for a chunked body.
  StatusOr<Receiving> Begin(const Caller& caller, const std::string& upload_id, const PatchRequest& patch,
                            std::optional<int64_t> content_length);
  // Makes the received bytes durable and finishes the upload if they were the last: the document as acknowledged.
  StatusOr<UploadDoc> End(Receiving& receiving, Ending ending);
  // What HEAD shows: takes over as Begin does, so that nothing that arrived is missing.
  StatusOr<UploadDoc> Look(const Caller& caller, const std::string& upload_id);
  // Without disturbing a running request; finishes what a crash left complete. NOT_FOUND also when it has expired.
  StatusOr<UploadDoc> Peek(const Caller& caller, const std::string& upload_id);
  // NOT_FOUND, FAILED_PRECONDITION once it is UPLOADED.
  Status Terminate(const Caller& caller, const std::string& upload_id);

  // For shutdown: running requests keep what they received and end; new ones should be refused. Blocks.
  void CloseAll();
  bool draining() const { return draining_; }
  int64_t max_bytes() const { return context_.max_bytes; }

 private:
  struct Held {
    UploadLocks::Lease lease;
    Versioned current;
  };
  // NOT_FOUND also for another tenant's upload.
  StatusOr<Versioned> Load(const Caller& caller, const std::string& upload_id);
  // Takes the upload over from any older request of its tenant, then reads it and finishes what a crash left complete. One read of the
  // state when nobody is using the upload.
  StatusOr<Held> Hold(const Caller& caller, const std::string& upload_id, bool drop = false);
  StatusOr<UploadDoc> FinishIfComplete(Versioned current);
  Status CheckPatch(const UploadDoc& doc, const PatchRequest& patch, std::optional<int64_t> content_length);

  SessionContext& context_;
  Finisher& finisher_;
  const std::chrono::milliseconds patience_;
  UploadLocks locks_;
  std::atomic<bool> draining_{false};
};

}  // namespace vora::upload
