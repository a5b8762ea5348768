#include "services/transcode-worker/imports/copy_file.h"

#include <algorithm>
#include <utility>

#include "libs/core/error.h"
#include "libs/storage/base/part_bytes.h"

namespace vora::transcode {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kUnknownPart = 64 * kMiB;
constexpr int64_t kMostParts = 9'000;  // stores take 10,000
constexpr int64_t kWorthAnother = kMiB;

}  // namespace

int64_t CopyPartBytes(int64_t size) { return size < 0 ? kUnknownPart : storage::PartBytesFor(size); }

FileCopy::FileCopy(storage::ObjectStore& store, Origin& origin, const workflow::v1::CopyFileInput& input, const ImportOptions& options,
                   workflow::v1::CopyFileCheckpoint done, std::function<void(const workflow::v1::CopyFileCheckpoint&)> on_part,
                   std::function<bool()> stopped)
    : store_(store),
      origin_(origin),
      input_(input),
      options_(options),
      done_(std::move(done)),
      on_part_(std::move(on_part)),
      stopped_(std::move(stopped)) {}

bool FileCopy::IsWhole() const {
  const int64_t size = input_.file().size();
  return size > 0 && done_.bytes() == size;
}

StatusOr<int64_t> FileCopy::Run() {
  auto copied = CopyRest();
  // What is not there is told of by the kinds of imports; this is our own store, whose parts of the copy are gone.
  const bool parts_gone = copied.status().code() == StatusCode::kNotFound && !DetailOf(copied.status()).reason.starts_with("import.");
  return parts_gone ? FindCompleted() : copied;
}

// An attempt that died after its last step has made the object of them. Otherwise somebody has cleaned up, and the copy begins anew.
StatusOr<int64_t> FileCopy::FindCompleted() {
  const auto there = store_.Head(input_.key());
  if (IsTransient(there.status())) return there.status();
  const int64_t size = input_.file().size();
  if (there.ok() && (size < 0 || size == there->size)) return there->size;
  return MakeError(errors::kImportChanged, "the parts of the copy are no longer in the store");
}

StatusOr<int64_t> FileCopy::CopyRest() {
  while (!IsWhole()) {
    // Without ranges each try begins at the beginning.
    if (!input_.file().ranges()) {
      done_.Clear();
      part_.clear();
    }
    const int64_t before = Reached();
    // There is no range that begins where the file ends.
    Status read = before == input_.file().size()
                      ? absl::OkStatus()
                      : origin_.Read(input_.file(), before, [this](std::string_view piece) { return Take(piece); });
    // Before the last part is made: one that is short, and not the last, would spoil the copy for good.
    const int64_t size = input_.file().size(), end = Reached();
    if (read.ok() && size >= 0 && end != size) {
      read = Unavailable("the file ended after " + std::to_string(end) + " of " + std::to_string(size) + " bytes");
    }
    if (read.ok()) {
      if (!part_.empty()) VORA_RETURN_IF_ERROR(UploadPart());
      break;
    }
    // A line that breaks now and then is no failure of the attempt as long as it brings something worth a request.
    const bool goes_on = IsTransient(read) && Reached() - before >= kWorthAnother && input_.file().ranges() && !stopped_();
    if (!goes_on) return read;
  }
  return Finish();
}

Status FileCopy::Take(std::string_view piece) {
  if (stopped_()) return Cancelled("stopped");
  const int64_t known = input_.file().size();
  const int64_t most = std::min(options_.max_bytes, input_.copy().part_bytes() * kMostParts);
  const int64_t limit = known >= 0 ? std::min(known, most) : most;
  if (Reached() + static_cast<int64_t>(piece.size()) > limit) {
    if (limit == known) return MakeError(errors::kImportChanged, "the file is longer than it was");
    return MakeError(errors::kImportTooLarge, "the file does not end within " + std::to_string(limit) + " bytes (VORA_IMPORT_MAX_BYTES)",
                     {.limit = std::to_string(limit) + " bytes"});
  }
  const auto part_bytes = static_cast<size_t>(input_.copy().part_bytes());
  while (!piece.empty()) {
    const size_t taken = std::min(piece.size(), part_bytes - part_.size());
    part_.append(piece.substr(0, taken));
    piece.remove_prefix(taken);
    if (part_.size() == part_bytes) VORA_RETURN_IF_ERROR(UploadPart());
  }
  return absl::OkStatus();
}

Status FileCopy::UploadPart() {
  const int number = done_.part_etags_size() + 1;
  VORA_ASSIGN_OR_RETURN(const storage::CompletedPart part, store_.UploadPart(input_.key(), input_.copy().multipart_id(), number, part_));
  done_.add_part_etags(part.etag);
  done_.set_bytes(done_.bytes() + static_cast<int64_t>(part_.size()));
  part_.clear();
  on_part_(done_);
  return absl::OkStatus();
}

StatusOr<int64_t> FileCopy::Finish() {
  if (done_.bytes() == 0) return MakeError(errors::kImportNotAFile, "the file is empty");
  // The last word: what was read from its first byte to its last is still what was pinned.
  VORA_ASSIGN_OR_RETURN(const workflow::v1::PinnedFile now, origin_.Pin());
  if (now.etag() != input_.file().etag() || (now.size() >= 0 && now.size() != done_.bytes())) {
    return MakeError(errors::kImportChanged, "the file changed while it was copied");
  }
  std::vector<storage::CompletedPart> parts;
  for (const std::string& etag : done_.part_etags()) parts.push_back({static_cast<int>(parts.size()) + 1, etag});
  VORA_ASSIGN_OR_RETURN(const storage::ObjectInfo object, store_.CompleteMultipart(input_.key(), input_.copy().multipart_id(), parts));
  if (object.size != done_.bytes()) return Unavailable("the store made an object of another length than was copied");
  return object.size;
}

}  // namespace vora::transcode
