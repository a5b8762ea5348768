#include "services/upload/receive/upload_engine.h"

#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "libs/log/log.h"

namespace vora::upload {
namespace {

Status Gone(std::string_view message) { return MakeError(errors::kUploadGone, message); }

// Also of one that has expired, or is another tenant's: nobody learns which.
Status NoSuchUpload() { return MakeError(errors::kUploadNotFound, "upload_id: there is no such upload", {.field = "upload_id"}); }

Status TakenOver() { return MakeError(errors::kUploadTakenOver, "a newer request has taken the upload over"); }

}  // namespace

Status RefusalOf(const Status& status) {
  if (FindErrorKind(DetailOf(status).reason) != nullptr) return status;  // said already
  switch (status.code()) {
    case StatusCode::kNotFound:
      return NoSuchUpload();
    case StatusCode::kAborted:
      return MakeError(errors::kUploadLocked, Message(status));
    case StatusCode::kFailedPrecondition:
      return MakeError(errors::kUploadFinished, Message(status));
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kResourceExhausted:
      log::Warn("object store does not answer", {{"error", ToText(status)}});
      return WithDetail(Unavailable("the object store does not answer now; nothing acknowledged is lost, try again"),
                        {.retry_after = kRetryAfterSeconds});
    default:
      log::Error("upload request failed", {{"error", ToText(status)}});
      return Internal("the upload cannot be continued because of a fault in the server");
  }
}

Status RefusalOf(const UploadDoc& failed) {
  if (failed.failure_kind == Failure::kTerminated) return NoSuchUpload();
  return Gone(failed.failure.empty() ? "the upload has expired" : failed.failure);
}

StatusOr<UploadDoc> UploadEngine::Create(const CreateRequest& request, const Caller& caller, const std::string& traceparent) {
  UploadDoc doc;
  doc.tenant = caller.tenant;
  doc.upload_id = NewId();
  doc.length = request.length;
  doc.metadata_header = request.metadata_header;
  doc.traceparent = traceparent;
  const SystemTime now = context_.repo.clock().Now();
  doc.created_unix_ms = doc.updated_unix_ms = ToUnixMs(now);
  doc.expires_unix_ms = ToUnixMs(now + context_.expiry);
  StatusOr<Versioned> created = context_.repo.Create(std::move(doc));
  if (!created.ok()) return RefusalOf(created.status());
  log::Info("upload created", {{"upload_id", created->doc.upload_id}, {"length", created->doc.length.value_or(-1)}});
  return FinishIfComplete(*std::move(created));
}

// Finishes `current` if every byte has arrived, and tells how it ended.
StatusOr<UploadDoc> UploadEngine::FinishIfComplete(Versioned current) {
  StatusOr<Versioned> finished = finisher_.Finish(std::move(current));
  if (!finished.ok()) return RefusalOf(finished.status());
  if (finished->doc.state != State::kFailed) return std::move(finished->doc);
  if (finished->doc.failure_kind == Failure::kChecksumMismatch) {
    return MakeError(errors::kChecksumMismatch, finished->doc.failure + "; the upload has failed, start it anew", {.field = "sha256"});
  }
  return RefusalOf(finished->doc);
}

StatusOr<Versioned> UploadEngine::Load(const Caller& caller, const std::string& upload_id) {
  VORA_ASSIGN_OR_RETURN(Versioned current, context_.repo.Load(upload_id));
  const bool visible = caller.Has(Scope::kFleet) || current.doc.tenant == caller.tenant;
  if (!visible) return NoSuchUpload();
  return current;
}

StatusOr<UploadEngine::Held> UploadEngine::Hold(const Caller& caller, const std::string& upload_id, bool drop) {
  Held held;
  if (std::optional<UploadLocks::Lease> idle = locks_.TryAcquire(upload_id)) {
    held.lease = *std::move(idle);
  } else {
    // Nobody may take over, and so interrupt, what another tenant is sending.
    VORA_RETURN_IF_ERROR(Load(caller, upload_id).status());
    VORA_ASSIGN_OR_RETURN(held.lease, locks_.Acquire(upload_id, patience_, drop));
    if (held.lease.took_over()) context_.metrics.takeovers.Increment();
  }
  // Read only now: while this waited, the older request has moved it on.
  VORA_ASSIGN_OR_RETURN(Versioned current, Load(caller, upload_id));
  VORA_ASSIGN_OR_RETURN(held.current, finisher_.Finish(std::move(current)));
  return held;
}

StatusOr<Receiving> UploadEngine::Begin(const Caller& caller, const std::string& upload_id, const PatchRequest& patch,
                                        std::optional<int64_t> content_length) {
  StatusOr<Held> held = Hold(caller, upload_id);
  if (!held.ok()) return RefusalOf(held.status());
  VORA_RETURN_IF_ERROR(CheckPatch(held->current.doc, patch, content_length));
  Receiving receiving;
  receiving.lease = std::move(held->lease);
  receiving.doc = held->current.doc;
  // Nothing is missing: the client did not see the answer to its last bytes.
  if (receiving.doc.state == State::kUploaded) return receiving;
  StatusOr<std::shared_ptr<UploadSession>> session =
      UploadSession::Open(context_, std::move(held->current), {patch.checksum, receiving.doc.length ? std::nullopt : patch.length});
  if (!session.ok()) return RefusalOf(session.status());
  receiving.session = *std::move(session);
  if (!receiving.lease.Attach(receiving.session).ok()) return TakenOver();
  return receiving;
}

Status UploadEngine::CheckPatch(const UploadDoc& doc, const PatchRequest& patch, std::optional<int64_t> content_length) {
  if (doc.state == State::kFailed || doc.expired(context_.repo.clock().Now())) return RefusalOf(doc);
  if (patch.offset != doc.offset) {
    context_.metrics.offset_conflicts.Increment();
    return MakeError(errors::kOffsetConflict,
                     "Upload-Offset is " + std::to_string(patch.offset) + ", but the upload stands at " + std::to_string(doc.offset),
                     {.field = "Upload-Offset", .offset = doc.offset});
  }
  if (patch.length && doc.length && *patch.length != *doc.length) {
    return InvalidField("Upload-Length", "is " + std::to_string(*doc.length) + " already and cannot change");
  }
  if (patch.length && *patch.length < doc.offset) {
    return InvalidField("Upload-Length", "lies below the " + std::to_string(doc.offset) + " bytes received already");
  }
  int64_t room = (patch.length ? *patch.length : doc.room_end(context_.max_bytes)) - doc.offset;
  if (content_length && *content_length > room) return BodyTooLong(*content_length, room);
  return {};
}

StatusOr<UploadDoc> UploadEngine::End(Receiving& receiving, Ending ending) {
  if (!receiving.session) return receiving.doc;
  Outcome outcome = receiving.session->Close(ending);
  if (!outcome.status.ok()) return RefusalOf(outcome.status);
  if (outcome.checksum_mismatch) {
    return MakeError(errors::kChecksumMismatch,
                     "the body does not match Upload-Checksum; it was dropped, send it again from the same offset",
                     {.field = "Upload-Checksum"});
  }
  if (!outcome.kept) return TakenOver();
  StatusOr<UploadDoc> settled = FinishIfComplete(std::move(outcome.result));
  // Now, and not with the answer: the client's next request need not take anything over.
  receiving.lease.Release();
  return settled;
}

StatusOr<UploadDoc> UploadEngine::Look(const Caller& caller, const std::string& upload_id) {
  StatusOr<Held> held = Hold(caller, upload_id);
  if (!held.ok()) return RefusalOf(held.status());
  UploadDoc& doc = held->current.doc;
  if (doc.state == State::kFailed || doc.expired(context_.repo.clock().Now())) return RefusalOf(doc);
  return std::move(doc);
}

StatusOr<UploadDoc> UploadEngine::Peek(const Caller& caller, const std::string& upload_id) {
  VORA_ASSIGN_OR_RETURN(Versioned current, Load(caller, upload_id));
  VORA_ASSIGN_OR_RETURN(current, finisher_.Finish(std::move(current)));
  bool gone = current.doc.expired(context_.repo.clock().Now()) || current.doc.failure_kind == Failure::kTerminated;
  if (gone) return NoSuchUpload();
  return std::move(current.doc);
}

void UploadEngine::CloseAll() {
  // First: a request that begins after the sessions were looked at sees it before its first read.
  draining_ = true;
  locks_.CloseAll();
}

Status UploadEngine::Terminate(const Caller& caller, const std::string& upload_id) {
  VORA_ASSIGN_OR_RETURN(Held held, Hold(caller, upload_id, /*drop=*/true));
  if (held.current.doc.failure_kind == Failure::kTerminated) {
    (void)finisher_.Terminate(std::move(held.current));  // whatever a crash left of it
    return NoSuchUpload();
  }
  return finisher_.Terminate(std::move(held.current));
}

}  // namespace vora::upload
