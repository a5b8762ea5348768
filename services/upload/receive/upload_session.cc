#include "services/upload/receive/upload_session.h"

#include <algorithm>
#include <cstring>
#include <future>

#include "libs/layout/layout.h"
#include "libs/log/log.h"
#include "services/upload/headers/content_type.h"

namespace vora::upload {
namespace {

// Small enough that a fast client does not keep its I/O thread from the others.
constexpr size_t kWindowBytes = 1 << 20;

Status SessionTakenOver() { return Aborted("a newer request has taken the upload over"); }

}  // namespace

UploadSession::UploadSession(SessionContext& context, Versioned current, SessionRequest request)
    : context_(context),
      request_(std::move(request)),
      room_end_(request_.length ? *request_.length : current.doc.room_end(context.max_bytes)),
      current_(std::move(current)),
      part_etags_(current_.doc.part_etags),
      checkpointed_parts_(part_etags_.size()),
      offset_(current_.doc.offset) {
  if (request_.checksum) checksum_ = Digest::Create(request_.checksum->algorithm);
}

StatusOr<std::shared_ptr<UploadSession>> UploadSession::Open(SessionContext& context, Versioned current, SessionRequest request) {
  std::shared_ptr<UploadSession> session(new UploadSession(context, std::move(current), std::move(request)));
  const UploadDoc& doc = session->current_.doc;
  if (!doc.sha256_state.empty()) {
    VORA_ASSIGN_OR_RETURN(session->sha256_, Sha256State::Restore(doc.sha256_state));
  }
  session->receiving_ = context.buffers.Take();
  const StatusOr<std::string> tail = context.repo.GetTail(doc);
  if (tail.status().code() == StatusCode::kDataLoss) {
    // A rival on another replica may have gone on, and dropped this tail, since the state was read: a conflict, not a loss.
    VORA_RETURN_IF_ERROR(context.repo.CheckUnchanged(session->current_));
  }
  VORA_RETURN_IF_ERROR(tail.status());
  std::memcpy(session->receiving_->data(), tail->data(), tail->size());
  // The state's digest covers the tail already.
  session->receiving_->filled = session->receiving_->hashed = tail->size();
  return session;
}

UploadSession::Window UploadSession::Reserve() {
  std::lock_guard lock(mutex_);
  if (closing_ || receiving_->full()) return {};
  PartBuffer& buffer = *receiving_;
  return {receiving_, {buffer.data() + buffer.filled, std::min(buffer.capacity() - buffer.filled, kWindowBytes)}};
}

Status UploadSession::Commit(size_t bytes) {
  std::lock_guard lock(mutex_);
  if (closing_) return SessionTakenOver();
  if (static_cast<int64_t>(bytes) > room_end_ - offset_) return OutOfRange("the body goes on after the end of the upload");
  receiving_->filled += bytes;
  offset_ += static_cast<int64_t>(bytes);
  context_.metrics.bytes.Increment(static_cast<double>(bytes));
  return {};
}

bool UploadSession::TryAdvance() {
  std::unique_lock lock(mutex_);
  if (in_flight_ || closing_ || !error_.ok()) return false;
  return StartPart(lock).ok();
}

Status UploadSession::Advance() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !in_flight_; });
  if (closing_) return SessionTakenOver();
  VORA_RETURN_IF_ERROR(error_);
  return StartPart(lock);
}

Status UploadSession::StartPart(std::unique_lock<std::mutex>&) {
  std::shared_ptr<PartBuffer> full = receiving_;
  auto run = [self = shared_from_this(), full] { self->RunPart(full); };
  if (!context_.part_pool.TrySubmit(run)) {
    // Stays: bytes that were never stored must not be followed by others.
    error_ = ResourceExhausted("too many parts are waiting for the object store");
    return error_;
  }
  // The job may run already, but cannot end before the lock is free.
  in_flight_ = true;
  receiving_ = spare_ ? std::move(spare_) : context_.buffers.Take();
  spare_.reset();
  return {};
}

void UploadSession::RunPart(const std::shared_ptr<PartBuffer>& buffer) {
  Status stored = StorePart(*buffer);
  std::lock_guard lock(mutex_);
  if (!stored.ok()) error_ = stored;
  buffer->filled = buffer->hashed = 0;
  spare_ = buffer;
  in_flight_ = false;
  changed_.notify_all();
}

Status UploadSession::StorePart(PartBuffer& buffer) {
  // A rival on another replica moves the state on; this side must then stop before it writes over the rival's parts.
  VORA_RETURN_IF_ERROR(claimed_ ? context_.repo.CheckUnchanged(current_) : Claim());
  std::promise<void> hashed;
  auto hash = [&] {
    Hash(buffer);
    hashed.set_value();
  };
  // Where the pool is full the part is hashed here: a part never waits for a place.
  if (!context_.hash_pool.TrySubmit(hash)) hash();
  const std::string key = layout::OriginalKey(current_.doc.upload_id);
  const int number = static_cast<int>(part_etags_.size()) + 1;
  std::string etag;
  // The same number and bytes again: the later one takes the earlier one's place.
  Status stored = RetryIdempotent(context_.retry, [&]() -> Status {
    VORA_ASSIGN_OR_RETURN(storage::CompletedPart part,
                          context_.repo.store().UploadPart(key, current_.doc.multipart_id, number, buffer.bytes()));
    etag = part.etag;
    return {};
  });
  // Before any return, since the job refers to this frame.
  hashed.get_future().wait();
  if (stored.code() == StatusCode::kNotFound) return Aborted("the upload has been removed meanwhile");
  VORA_RETURN_IF_ERROR(stored);
  part_etags_.push_back(etag);
  stored_sha256_ = sha256_;
  int64_t since = static_cast<int64_t>(part_etags_.size() - checkpointed_parts_) * kPartSize;
  // With a checksum it is all or nothing, so nothing is acknowledged before the end.
  return !request_.checksum && since >= context_.checkpoint_bytes ? Checkpoint() : Status();
}

// The first write of a session: from here on a rival with an older document fails its next write.
Status UploadSession::Claim() {
  UploadDoc next = current_.doc;
  const bool fresh = next.multipart_id.empty();
  const std::string key = layout::OriginalKey(next.upload_id);
  if (fresh) {
    storage::MultipartOptions options;
    options.part_size = kPartSize;
    options.content_type = ContentTypeOf(next.metadata_header);
    VORA_ASSIGN_OR_RETURN(next.multipart_id, context_.repo.store().CreateMultipart(key, options));
  }
  std::string multipart_id = next.multipart_id;
  Status swapped = SwapPatiently(std::move(next));
  if (swapped.ok()) {
    claimed_ = true;
  } else if (fresh && swapped.code() == StatusCode::kAborted) {
    // A rival's document stands now, and nobody will ever complete this multipart upload.
    context_.repo.AbortMultipartIfUnused(current_.doc.upload_id, multipart_id);
  }
  return swapped;
}

// Waits out short faults of the store. A lost race (ABORTED) is final.
Status UploadSession::SwapPatiently(UploadDoc next) {
  Status swapped;
  // One name for all tries: a try whose answer was lost finds its own write, and takes it for done.
  next.writer = UploadRepo::NewWriter();
  RetryIdempotent(context_.retry, [&]() -> Status {
    swapped = context_.repo.Swap(current_, next);
    return swapped.code() == StatusCode::kAborted ? Status() : swapped;
  }).IgnoreError();
  return swapped;
}

// The document as it becomes when all stored parts are acknowledged, without a tail.
UploadDoc UploadSession::Progress() const {
  UploadDoc next = current_.doc;
  next.part_etags = part_etags_;
  next.offset = static_cast<int64_t>(part_etags_.size()) * kPartSize;
  next.tail_bytes = 0;
  next.sha256_state = stored_sha256_.Save();
  if (request_.length) next.length = request_.length;
  if (next.offset > 0) next.state = State::kUploading;
  next.expires_unix_ms = ToUnixMs(context_.repo.clock().Now() + context_.expiry);
  return next;
}

Status UploadSession::Checkpoint() {
  const int64_t old_tail = current_.doc.tail_bytes > 0 ? current_.doc.tail_number : 0;
  VORA_RETURN_IF_ERROR(SwapPatiently(Progress()));
  checkpointed_parts_ = part_etags_.size();
  if (old_tail > 0) context_.repo.DropTail(current_.doc.upload_id, old_tail);
  return {};
}

void UploadSession::Hash(PartBuffer& buffer) {
  std::string_view fresh = buffer.bytes().substr(buffer.hashed);
  sha256_.Update(fresh);
  if (checksum_) checksum_->Update(fresh);
  buffer.hashed = buffer.filled;
}

Outcome UploadSession::Close(Ending ending) {
  std::unique_lock lock(mutex_);
  if (closing_) {
    changed_.wait(lock, [this] { return closed_; });
    return outcome_;
  }
  closing_ = true;
  // The part in flight alone may touch the document; from here on it is Flush.
  changed_.wait(lock, [this] { return !in_flight_; });
  lock.unlock();
  Outcome outcome = Flush(ending);
  outcome.result = current_;
  lock.lock();
  outcome_ = std::move(outcome);
  closed_ = true;
  receiving_.reset();
  spare_.reset();
  changed_.notify_all();
  return outcome_;
}

Outcome UploadSession::Flush(Ending ending) {
  Outcome outcome;
  if (ending == Ending::kDiscard || (request_.checksum && ending == Ending::kBroken)) return outcome;
  if (!error_.ok()) {
    // What got into the store before the fault still counts, if the state can be written at all.
    bool rescue = error_.code() != StatusCode::kAborted && !request_.checksum && part_etags_.size() > checkpointed_parts_;
    if (rescue) Checkpoint().IgnoreError();
    outcome.status = error_;
    return outcome;
  }
  if (receiving_->full()) {
    outcome.status = StorePart(*receiving_);
    if (!outcome.status.ok()) return outcome;
    receiving_->filled = receiving_->hashed = 0;
  }
  Hash(*receiving_);
  if (checksum_ && !ConstantTimeEqual(checksum_->Finish(), request_.checksum->digest)) {
    outcome.checksum_mismatch = true;
    return outcome;
  }
  outcome.status = FlushRest();
  outcome.kept = outcome.status.ok();
  return outcome;
}

// Acknowledges everything: the remainder as a new tail, then the state, then the old tail goes.
Status UploadSession::FlushRest() {
  const UploadDoc& doc = current_.doc;
  const int64_t old_tail = doc.tail_bytes > 0 ? doc.tail_number : 0;
  const bool nothing_new = offset_ == doc.offset && (!request_.length || request_.length == doc.length);
  if (nothing_new) return {};
  UploadDoc next = Progress();
  next.offset = offset_;
  next.tail_bytes = static_cast<int64_t>(receiving_->filled);
  next.sha256_state = sha256_.Save();
  if (offset_ > 0) next.state = State::kUploading;
  const bool new_tail = next.tail_bytes > 0 && offset_ != doc.offset;
  if (new_tail) {
    Status put = RetryIdempotent(context_.retry, [&]() -> Status {
      VORA_ASSIGN_OR_RETURN(next.tail_number, context_.repo.PutTail(doc, receiving_->bytes()));
      return {};
    });
    VORA_RETURN_IF_ERROR(put);
  }
  const int64_t tail_number = next.tail_number;
  Status swapped = SwapPatiently(std::move(next));
  // Unless the state names it after all: the answer may have been lost, not the race.
  if (swapped.code() == StatusCode::kAborted && new_tail) context_.repo.DropTailIfUnused(doc.upload_id, tail_number);
  VORA_RETURN_IF_ERROR(swapped);
  checkpointed_parts_ = part_etags_.size();
  // Only if the state does not name it any more.
  if (old_tail > 0 && (new_tail || current_.doc.tail_bytes == 0)) context_.repo.DropTail(doc.upload_id, old_tail);
  return {};
}

}  // namespace vora::upload
