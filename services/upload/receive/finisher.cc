#include "services/upload/receive/finisher.h"

#include <chrono>
#include <thread>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/time.h"
#include "libs/layout/layout.h"
#include "libs/log/log.h"
#include "libs/obs/span.h"
#include "libs/run/retry.h"
#include "services/upload/headers/content_type.h"

namespace vora::upload {
namespace {

constexpr int kMaxRaces = 5;
constexpr RetryOptions kRacePause{
    .max_attempts = kMaxRaces, .initial = std::chrono::milliseconds(50), .max = std::chrono::milliseconds(1000)};
// A store may take so long to complete an upload, and show neither its parts nor its object to others meanwhile (versitygw).
constexpr std::chrono::minutes kCompletion{6};  // longer than a store has for it
constexpr std::chrono::minutes kForgotten{60};

// Faults that say that what the store holds is not what was acknowledged, as opposed to a store that cannot answer now.
bool MeansBytesLost(const Status& status) {
  return status.code() == StatusCode::kNotFound || status.code() == StatusCode::kFailedPrecondition ||
         status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kDataLoss;
}

std::string ExpectedSha256(const UploadDoc& doc) {
  StatusOr<Metadata> metadata = ParseMetadata(doc.metadata_header);
  if (!metadata.ok()) return {};
  StatusOr<std::string> sha256 = WholeFileSha256(*metadata);
  return sha256.ok() ? *sha256 : std::string();
}

StatusOr<std::string> ActualSha256(const UploadDoc& doc) {
  if (doc.sha256_state.empty()) return HexEncode(Sha256(""));
  VORA_ASSIGN_OR_RETURN(Sha256State state, Sha256State::Restore(doc.sha256_state));
  return HexEncode(state.Finish());
}

// From the creation to the last byte: the requests between may each belong to a trace of their own.
void RecordUploadSpan(const UploadDoc& doc) {
  const auto parent = obs::TraceContext::Parse(doc.traceparent);
  if (!parent || !obs::RecordsSpans(*parent)) return;
  obs::SpanRecord span;
  span.name = "upload";
  span.context = parent->Child();
  span.parent_span_id = parent->span_id;
  span.start = FromUnixMs(doc.created_unix_ms);
  span.end = std::chrono::system_clock::now();
  span.attributes = {{"vora.upload.id", doc.upload_id}, {"vora.bytes", std::to_string(doc.offset)}};
  obs::RecordSpan(std::move(span));
}

}  // namespace

StatusOr<Versioned> Finisher::Finish(Versioned current) {
  for (int race = 0; race < kMaxRaces; ++race) {
    if (!current.doc.awaits_finish()) return current;
    VORA_ASSIGN_OR_RETURN(std::string actual, ActualSha256(current.doc));
    std::string expected = ExpectedSha256(current.doc);
    Status done;
    if (!expected.empty() && expected != actual) {
      done = Fail(current, Failure::kChecksumMismatch,
                  "the received bytes have the SHA-256 " + actual + ", but Upload-Metadata promised " + expected);
    } else {
      done = MakeObject(current.doc);
      if (done.ok()) done = MarkUploaded(current, actual);
    }
    if (done.ok()) return current;
    // ABORTED counts as transient too, but here it is a race that was lost.
    if (IsTransient(done) && done.code() != StatusCode::kAborted) return done;
    // Perhaps another request finished it first and its parts and tail are gone for a good reason.
    VORA_ASSIGN_OR_RETURN(Versioned latest, repo_.Load(current.doc.upload_id));
    bool unchanged = latest.etag == current.etag;
    current = std::move(latest);
    if (!unchanged) continue;
    if (!MeansBytesLost(done)) return done;
    if (race + 1 < kMaxRaces) {
      std::this_thread::sleep_for(BackoffDelay(kRacePause, race + 1, done));
      continue;
    }
    // The verdict is for ever: another request that is at it has time to end first, from when the bytes were first missed. Long ago was
    // another time.
    const auto now = repo_.clock().Now();
    const auto missed = FromUnixMs(current.doc.missing_unix_ms);
    if (now < missed + kCompletion || now > missed + kForgotten) {
      if (now > missed + kForgotten) {
        UploadDoc next = current.doc;
        next.missing_unix_ms = ToUnixMs(now);
        VORA_RETURN_IF_ERROR(repo_.Swap(current, std::move(next)));
      }
      return Unavailable("the object is not there yet, another request may be making it: " + Message(done));
    }
    log::Error("acknowledged bytes are missing in the object store", {{"upload_id", current.doc.upload_id}, {"error", ToText(done)}});
    VORA_RETURN_IF_ERROR(Fail(current, Failure::kBytesLost, "the stored bytes are incomplete; please upload the file again"));
    return current;
  }
  return Unavailable("the upload is being changed by other requests");
}

Status Finisher::MakeObject(const UploadDoc& doc) {
  storage::ObjectStore& store = repo_.store();
  // Without a whole part there is nothing to be completed: the tail is the object.
  if (doc.part_etags.empty()) {
    VORA_ASSIGN_OR_RETURN(std::string bytes, repo_.GetTail(doc));
    storage::PutOptions options;
    options.content_type = ContentTypeOf(doc.metadata_header);
    // Over whatever is there: a former attempt wrote the same bytes.
    VORA_RETURN_IF_ERROR(store.Put(layout::OriginalKey(doc.upload_id), bytes, options).status());
    return doc.multipart_id.empty() ? Status() : store.AbortMultipart(layout::OriginalKey(doc.upload_id), doc.multipart_id);
  }
  Status completed = CompleteParts(doc);
  if (completed.code() != StatusCode::kNotFound) return completed;
  // A former attempt completed it and then crashed.
  StatusOr<storage::ObjectInfo> made = store.Head(layout::OriginalKey(doc.upload_id));
  if (!made.ok()) return made.status();
  return made->size == *doc.length ? Status() : DataLoss("the finished object has another size");
}

Status Finisher::CompleteParts(const UploadDoc& doc) {
  const std::string key = layout::OriginalKey(doc.upload_id);
  std::vector<storage::CompletedPart> parts;
  for (const std::string& etag : doc.part_etags) parts.push_back({static_cast<int>(parts.size()) + 1, etag});
  // Only the last part may be smaller than the others, so the tail waited for the end.
  if (doc.tail_bytes > 0) {
    VORA_ASSIGN_OR_RETURN(std::string tail, repo_.GetTail(doc));
    VORA_ASSIGN_OR_RETURN(storage::CompletedPart last,
                          repo_.store().UploadPart(key, doc.multipart_id, static_cast<int>(parts.size()) + 1, tail));
    parts.push_back(last);
  }
  return repo_.store().CompleteMultipart(key, doc.multipart_id, parts).status();
}

Status Finisher::MarkUploaded(Versioned& current, const std::string& sha256) {
  const std::string id = current.doc.upload_id;
  // Before the state says UPLOADED: a crash in between leaves an announcement whose upload the announcer then finishes.
  if (announce_) VORA_RETURN_IF_ERROR(repo_.store().Put(layout::AnnounceKey(id), "", {}).status());
  UploadDoc next = current.doc;
  next.state = State::kUploaded;
  next.sha256 = sha256;
  // The object has the bytes now; the state must not name parts that are gone.
  next.part_etags.clear();
  next.multipart_id.clear();
  next.tail_bytes = 0;
  next.sha256_state.clear();
  VORA_RETURN_IF_ERROR(repo_.Swap(current, std::move(next)));
  metrics_.uploaded.Increment();
  RecordUploadSpan(current.doc);
  log::Info("upload finished", {{"upload_id", id}, {"bytes", current.doc.offset}, {"sha256", sha256}});
  Status tidy = repo_.DropAllTails(id);
  // The marker goes last: while it stands, a sweep repeats the rest.
  if (tidy.ok()) tidy = repo_.store().Delete(layout::OpenKey(id));
  if (!tidy.ok()) log::Warn("clean-up is left to the sweeper", {{"upload_id", id}, {"error", ToText(tidy)}});
  if (announce_) announce_(id);
  return {};
}

Status Finisher::Fail(Versioned& current, Failure kind, const std::string& reason) {
  UploadDoc next = current.doc;
  next.state = State::kFailed;
  next.failure_kind = kind;
  next.failure = reason;
  // The state before the bytes: a crash in between leaves a FAILED upload to be freed, never an open one whose acknowledged bytes are gone.
  VORA_RETURN_IF_ERROR(repo_.Swap(current, std::move(next)));
  (kind == Failure::kChecksumMismatch ? metrics_.mismatched
   : kind == Failure::kExpired        ? metrics_.expired
   : kind == Failure::kTerminated     ? metrics_.terminated
                                      : metrics_.lost)
      .Increment();
  log::Info("upload failed", {{"upload_id", current.doc.upload_id}, {"kind", std::string(FailureName(kind))}, {"reason", reason}});
  if (Status freed = FreeFailed(current); !freed.ok()) {
    log::Warn("freeing bytes is left to the sweeper", {{"upload_id", current.doc.upload_id}, {"error", ToText(freed)}});
  }
  return {};
}

Status Finisher::FreeFailed(Versioned& current) {
  if (current.doc.state != State::kFailed || current.doc.bytes_freed) return {};
  VORA_RETURN_IF_ERROR(repo_.FreeBytes(current.doc));
  UploadDoc next = current.doc;
  next.bytes_freed = true;
  next.part_etags.clear();
  next.multipart_id.clear();
  next.sha256_state.clear();
  next.tail_bytes = 0;
  return repo_.Swap(current, std::move(next));
}

Status Finisher::Terminate(Versioned current) {
  const std::string id = current.doc.upload_id;
  for (int race = 0; race < kMaxRaces; ++race) {
    // Its video may exist by now; whoever has that deletes the object.
    if (current.doc.state == State::kUploaded) return FailedPrecondition("the upload is finished; its bytes belong to its receiver now");
    Status failed =
        current.doc.state == State::kFailed ? FreeFailed(current) : Fail(current, Failure::kTerminated, "terminated by the client");
    if (failed.code() == StatusCode::kAborted) {
      VORA_ASSIGN_OR_RETURN(current, repo_.Load(id));
      continue;
    }
    VORA_RETURN_IF_ERROR(failed);
    if (!current.doc.bytes_freed) return {};  // the sweeper goes on; the upload is FAILED for everybody
    return repo_.Purge(id);
  }
  return Unavailable("the upload is being changed by other requests");
}

}  // namespace vora::upload
