#include "services/upload/state/upload_repo.h"

#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "libs/log/log.h"

namespace vora::upload {
namespace {

constexpr int64_t kStateLimit = 4 << 20;  // 10,000 parts make about 400 KB

storage::PutOptions JsonOptions() {
  storage::PutOptions options;
  options.content_type = "application/json";
  return options;
}

}  // namespace

StatusOr<Versioned> UploadRepo::Create(UploadDoc doc) {
  // The marker first: a crash in between leaves a marker without a state, which a sweep removes.
  VORA_RETURN_IF_ERROR(store_.Put(layout::OpenKey(doc.upload_id), "", {}).status());
  doc.version = 1;
  doc.writer = NewWriter();
  storage::PutOptions options = JsonOptions();
  options.if_absent = true;
  VORA_ASSIGN_OR_RETURN(storage::ObjectInfo info, store_.Put(layout::StateKey(doc.upload_id), ToJson(doc), options));
  return Versioned{std::move(doc), info.etag};
}

StatusOr<Versioned> UploadRepo::Load(const std::string& upload_id) {
  storage::ObjectInfo info;
  VORA_ASSIGN_OR_RETURN(std::string json, store_.Get(layout::StateKey(upload_id), kStateLimit, &info));
  VORA_ASSIGN_OR_RETURN(UploadDoc doc, FromJson(json));
  if (doc.upload_id != upload_id) return DataLoss("upload state: belongs to another upload");
  return Versioned{std::move(doc), info.etag};
}

Status UploadRepo::Swap(Versioned& current, UploadDoc next) {
  VORA_RETURN_IF_ERROR(CheckTransition(current.doc.state, next.state));
  next.version = current.doc.version + 1;
  // Two writes of one name could not be told apart afterwards.
  if (next.writer == current.doc.writer) next.writer = NewWriter();
  next.updated_unix_ms = ToUnixMs(clock_.Now());
  storage::PutOptions options = JsonOptions();
  options.if_match = current.etag;
  StatusOr<storage::ObjectInfo> put = store_.Put(layout::StateKey(next.upload_id), ToJson(next), options);
  if (put.ok()) {
    current = Versioned{std::move(next), put->etag};
    return {};
  }
  if (put.status().code() == StatusCode::kNotFound) return Aborted("the upload has been removed meanwhile");
  if (!IsTransient(put.status())) return put.status();
  // The write may have happened although its answer was lost (also when a retry inside the store then met its own write).
  StatusOr<Versioned> stored = Load(next.upload_id);
  if (!stored.ok())
    return stored.status().code() == StatusCode::kNotFound ? Aborted("the upload has been removed meanwhile") : put.status();
  if (stored->doc.writer == next.writer) {
    current = *std::move(stored);
    return {};
  }
  if (stored->etag != current.etag) return Aborted("another request has changed the upload meanwhile");
  // The document is as it was, so the conflict was with a write that did not happen.
  return put.status().code() == StatusCode::kAborted ? Unavailable(Message(put.status())) : put.status();
}

std::string UploadRepo::NewWriter() { return RandomHex(8); }

Status UploadRepo::CheckUnchanged(const Versioned& current) {
  StatusOr<storage::ObjectInfo> info = store_.Head(layout::StateKey(current.doc.upload_id));
  if (!info.ok()) return info.status().code() == StatusCode::kNotFound ? Aborted("the upload has been removed meanwhile") : info.status();
  return info->etag == current.etag ? Status() : Aborted("another request has taken the upload over");
}

StatusOr<int64_t> UploadRepo::PutTail(const UploadDoc& doc, std::string_view bytes) {
  storage::PutOptions options;
  options.if_absent = true;
  // A number is taken when a crash or a rival left its tail there: never write over it, take the next.
  for (int64_t number = doc.tail_number + 1; number <= doc.tail_number + 1000; ++number) {
    StatusOr<storage::ObjectInfo> put = store_.Put(layout::TailKey(doc.upload_id, number), bytes, options);
    if (put.ok()) return number;
    if (put.status().code() != StatusCode::kAlreadyExists) return put.status();
  }
  return Internal("upload " + doc.upload_id + ": a thousand abandoned tails");
}

StatusOr<std::string> UploadRepo::GetTail(const UploadDoc& doc) {
  if (doc.tail_bytes == 0) return std::string();
  StatusOr<std::string> bytes = store_.Get(layout::TailKey(doc.upload_id, doc.tail_number), kPartSize);
  if (!bytes.ok() && bytes.status().code() == StatusCode::kNotFound) return DataLoss("the tail of upload " + doc.upload_id + " is gone");
  if (bytes.ok() && static_cast<int64_t>(bytes->size()) != doc.tail_bytes) {
    return DataLoss("the tail of upload " + doc.upload_id + " has another size");
  }
  return bytes;
}

void UploadRepo::DropTail(const std::string& upload_id, int64_t number) {
  // A tail left behind goes with the others when the upload ends.
  if (Status dropped = store_.Delete(layout::TailKey(upload_id, number)); !dropped.ok()) {
    log::Debug("old tail stays for now", {{"upload_id", upload_id}, {"error", ToText(dropped)}});
  }
}

void UploadRepo::DropTailIfUnused(const std::string& upload_id, int64_t number) {
  StatusOr<Versioned> stored = Load(upload_id);
  bool gone = stored.status().code() == StatusCode::kNotFound;
  bool unused = stored.ok() && (stored->doc.tail_bytes == 0 || stored->doc.tail_number != number);
  if (gone || unused) DropTail(upload_id, number);
}

void UploadRepo::AbortMultipartIfUnused(const std::string& upload_id, const std::string& multipart_id) {
  StatusOr<Versioned> stored = Load(upload_id);
  bool gone = stored.status().code() == StatusCode::kNotFound;
  bool unused = stored.ok() && stored->doc.multipart_id != multipart_id;
  // An UPLOADED document no longer names its parts, and an upload is only ever completed once.
  if (gone || unused) (void)store_.AbortMultipart(layout::OriginalKey(upload_id), multipart_id);
}

Status UploadRepo::DropAllTails(const std::string& upload_id) {
  std::string token;
  do {
    VORA_ASSIGN_OR_RETURN(storage::ListPage page, store_.List(layout::RawFolder(upload_id) + "tail.", token));
    for (const storage::ObjectInfo& object : page.objects) VORA_RETURN_IF_ERROR(store_.Delete(object.key));
    token = page.next_token;
  } while (!token.empty());
  return {};
}

Status UploadRepo::FreeBytes(const UploadDoc& doc) {
  if (!doc.multipart_id.empty()) VORA_RETURN_IF_ERROR(store_.AbortMultipart(layout::OriginalKey(doc.upload_id), doc.multipart_id));
  // The object as well: a crash may have come after it was completed.
  VORA_RETURN_IF_ERROR(store_.Delete(layout::OriginalKey(doc.upload_id)));
  return DropAllTails(doc.upload_id);
}

// The marker last: while it stands, a sweep repeats the rest.
Status UploadRepo::Purge(const std::string& upload_id) {
  VORA_RETURN_IF_ERROR(store_.Delete(layout::StateKey(upload_id)));
  VORA_RETURN_IF_ERROR(store_.Delete(layout::AnnounceKey(upload_id)));
  return store_.Delete(layout::OpenKey(upload_id));
}

}  // namespace vora::upload
