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

// The hash of what was sent.
StatusOr<std::string> Send(ObjectReader& reader, ObjectStore& to, const OnBytes& on_bytes, const Stopped& stopped) {
  const ObjectInfo& info = reader.info();
  Sha256State hash;
  if (info.size <= kWhole) {
    std::string bytes;
    int64_t left = info.size;
    VORA_RETURN_IF_ERROR(ReadFull(reader, left, bytes, kWhole, stopped));
    hash.Update(bytes);
    VORA_RETURN_IF_ERROR(to.Put(info.key, bytes, {.content_type = info.content_type, .copied_from = info.etag}).status());
    on_bytes(info.size);
    return HexEncode(hash.Finish());
  }
  const int64_t part_bytes = PartBytesFor(info.size);
  const MultipartOptions options{.content_type = info.content_type, .part_size = part_bytes, .copied_from = info.etag};
  VORA_ASSIGN_OR_RETURN(const std::string id, to.CreateMultipart(info.key, options));
  const auto parts = SendParts(reader, to, id, part_bytes, hash, on_bytes, stopped);
  const Status completed = parts.ok() ? to.CompleteMultipart(info.key, id, *parts).status() : parts.status();
  if (!completed.ok()) {
    // Parts that nobody will complete cost room; that they could not be removed is no further fault.
    (void)to.AbortMultipart(info.key, id);
    return completed;
  }
  return HexEncode(hash.Finish());
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

Status CopyObject(ObjectStore& from, ObjectStore& to, const std::string& key, const OnBytes& on_bytes, const Stopped& stopped) {
  VORA_ASSIGN_OR_RETURN(const auto reader, from.Open(key));
  VORA_ASSIGN_OR_RETURN(const std::string sent, Send(*reader, to, on_bytes, stopped));
  const auto stored = HashObject(to, key, stopped);
  if (stored.ok() && *stored == sent) return absl::OkStatus();
  // The next run would take it for a copy.
  (void)to.Delete(key);
  return stored.ok() ? DataLoss(key + ": what was read back is not what was written") : stored.status();
}

}  // namespace vora::storage
