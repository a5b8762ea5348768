#include "libs/storage/copy/copy_object.h"

#include <algorithm>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/storage/base/part_bytes.h"

namespace vora::storage {
namespace {

constexpr int64_t kWhole = 8 << 20;  // up to here an object is put in one piece

// Fills `piece` as far as the object goes. ABORTED where it ends before its own size.
Status ReadFull(ObjectReader& reader, int64_t& left, std::string& piece, int64_t most, const Stopped& stopped) {
  piece.resize(static_cast<size_t>(std::min(left, most)));
  size_t filled = 0;
  while (filled < piece.size()) {
    if (stopped()) return Cancelled("interrupted");
    VORA_ASSIGN_OR_RETURN(const size_t n, reader.Read(piece.data() + filled, piece.size() - filled));
    if (n == 0) return Aborted(reader.info().key + " ended before its size: it was changed while it was read");
    filled += n;
  }
  left -= static_cast<int64_t>(filled);
  return absl::OkStatus();
}

StatusOr<std::vector<CompletedPart>> SendParts(ObjectReader& reader, ObjectStore& to, const std::string& id, int64_t part_bytes,
                                               Sha256State& hash, const OnBytes& on_bytes, const Stopped& stopped) {
  std::vector<CompletedPart> parts;
  std::string piece;
  for (int64_t left = reader.info().size; left > 0;) {
    VORA_RETURN_IF_ERROR(ReadFull(reader, left, piece, part_bytes, stopped));
    hash.Update(piece);
    VORA_ASSIGN_OR_RETURN(CompletedPart part, to.UploadPart(reader.info().key, id, static_cast<int>(parts.size()) + 1, piece));
    parts.push_back(std::move(part));
    on_bytes(static_cast<int64_t>(piece.size()));
  }
  return parts;
}

// What was written.
struct Sent {
  std::string hash;  // of what was read
  std::string etag;
};

// A fleet may work on the target already: nothing of its own is replaced.
Status StillAs(ObjectStore& to, const std::string& key, const std::optional<ObjectInfo>& replaced) {
  const auto now = to.Head(key);
  const bool absent = now.status().code() == StatusCode::kNotFound;
  if (!now.ok() && !absent) return now.status();
  if (absent ? !replaced : replaced && replaced->etag == now->etag) return absl::OkStatus();
  return AlreadyExists(key + ": was written in TO meanwhile");
}

StatusOr<Sent> Send(ObjectReader& reader, ObjectStore& to, const std::string& mark, const std::optional<ObjectInfo>& replaced,
                    const OnBytes& on_bytes, const Stopped& stopped) {
  const ObjectInfo& info = reader.info();
  Sha256State hash;
  if (info.size <= kWhole) {
    std::string bytes;
    int64_t left = info.size;
    VORA_RETURN_IF_ERROR(ReadFull(reader, left, bytes, kWhole, stopped));
    hash.Update(bytes);
    PutOptions options{.content_type = info.content_type, .if_absent = !replaced, .copied_from = mark + info.etag};
    if (replaced) options.if_match = replaced->etag;
    const auto put = to.Put(info.key, bytes, options);
    if (put.status().code() == StatusCode::kAborted) return AlreadyExists(info.key + ": was written in TO meanwhile");
    VORA_RETURN_IF_ERROR(put.status());
    on_bytes(info.size);
    return Sent{HexEncode(hash.Finish()), put->etag};
  }
  const int64_t part_bytes = PartBytesFor(info.size);
  const MultipartOptions options{.content_type = info.content_type, .part_size = part_bytes, .copied_from = mark + info.etag};
  VORA_ASSIGN_OR_RETURN(const std::string id, to.CreateMultipart(info.key, options));
  const auto parts = SendParts(reader, to, id, part_bytes, hash, on_bytes, stopped);
  Status ready = parts.status();
  if (ready.ok()) ready = StillAs(to, info.key, replaced);
  const StatusOr<ObjectInfo> completed = ready.ok() ? to.CompleteMultipart(info.key, id, *parts) : StatusOr<ObjectInfo>(ready);
  if (!completed.ok()) {
    // Parts that nobody will complete cost room; that they could not be removed is no further fault.
    (void)to.AbortMultipart(info.key, id);
    return completed.status();
  }
  return Sent{HexEncode(hash.Finish()), completed->etag};
}

}  // namespace

StatusOr<std::string> HashObject(ObjectStore& store, const std::string& key, const Stopped& stopped) {
  VORA_ASSIGN_OR_RETURN(const auto reader, store.Open(key));
  Sha256State hash;
  std::string piece;
  for (int64_t left = reader->info().size; left > 0;) {
    VORA_RETURN_IF_ERROR(ReadFull(*reader, left, piece, int64_t{1} << 20, stopped));
    hash.Update(piece);
  }
  return HexEncode(hash.Finish());
}

Status CopyObject(ObjectStore& from, ObjectStore& to, const std::string& key, const std::string& mark,
                  const std::optional<ObjectInfo>& replaced, const OnBytes& on_bytes, const Stopped& stopped) {
  VORA_ASSIGN_OR_RETURN(const auto reader, from.Open(key));
  VORA_ASSIGN_OR_RETURN(const Sent sent, Send(*reader, to, mark, replaced, on_bytes, stopped));
  const auto stored = HashObject(to, key, stopped);
  if (stored.ok() && *stored == sent.hash) return absl::OkStatus();
  // The next run would take it for a copy; what somebody else has written since is theirs.
  const auto now = to.Head(key);
  if (now.ok() && now->etag == sent.etag) (void)to.Delete(key);
  return stored.ok() ? DataLoss(key + ": what was read back is not what was written") : stored.status();
}

}  // namespace vora::storage
