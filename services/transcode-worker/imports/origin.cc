#include "services/transcode-worker/imports/origin.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/error.h"
#include "libs/layout/layout.h"
#include "libs/sources/pinned_file.h"
#include "services/transcode-worker/imports/url_origin.h"

namespace vora::transcode {
namespace {

constexpr size_t kPiece = 1 << 20;

// What a store says of a file, as an import has it.
Status OfFile(const Status& status, const std::string& key) {
  switch (status.code()) {
    case StatusCode::kNotFound:
      return MakeError(errors::kImportNotFound, key + ": there is no such file at the source");
    case StatusCode::kPermissionDenied:
    case StatusCode::kUnauthenticated:
      return MakeError(errors::kImportRefused, key + ": the source does not let it be read: " + vora::Message(status));
    case StatusCode::kAborted:
    case StatusCode::kOutOfRange:
      return MakeError(errors::kImportChanged, key + " changed while it was read");
    default:
      return status;
  }
}

class FileOrigin final : public Origin {
 public:
  FileOrigin(const sources::Source& source, std::string key, const ImportOptions& options)
      : source_(source), key_(std::move(key)), options_(options) {}

  StatusOr<workflow::v1::PinnedFile> Pin() override {
    const auto info = source_.store->Head(key_);
    if (!info.ok()) return OfFile(info.status(), key_);
    if (info->size > options_.max_bytes) return TooLarge(key_, options_.max_bytes);
    workflow::v1::PinnedFile file;
    file.set_etag(info->etag);
    file.set_size(info->size);
    file.set_content_type(info->content_type);
    file.set_ranges(true);
    file.set_filename(std::string(layout::FileOf(key_)));
    file.set_source_key(sources::FormatPinnedFile({source_.spec.name, key_, info->etag, info->size}));
    // A clock that is a little ahead of ours is usual; one that is far ahead must not make us wait for it.
    const int64_t age_ms = ToUnixMs(Clock::Real().Now()) - info->modified_unix_ms, settle_ms = source_.spec.settle.count();
    const bool young = age_ms < settle_ms && age_ms > -settle_ms;
    if (young) file.set_settle_seconds(static_cast<double>(settle_ms - std::max<int64_t>(0, age_ms)) / 1000);
    return file;
  }

  Status Read(const workflow::v1::PinnedFile& file, int64_t offset, const std::function<Status(std::string_view)>& take) override {
    const auto reader = source_.store->Open(key_, offset);
    if (!reader.ok()) return OfFile(reader.status(), key_);
    if ((*reader)->info().etag != file.etag()) return OfFile(Aborted(""), key_);
    std::vector<char> piece(kPiece);
    while (true) {
      const auto got = (*reader)->Read(piece.data(), piece.size());
      if (!got.ok()) return OfFile(got.status(), key_);
      if (*got == 0) return absl::OkStatus();
      VORA_RETURN_IF_ERROR(take({piece.data(), *got}));
    }
  }

 private:
  const sources::Source& source_;
  const std::string key_;
  const ImportOptions options_;
};

}  // namespace

Status TooLarge(const std::string& what, int64_t max_bytes) {
  const std::string limit = std::to_string(max_bytes) + " bytes";
  return MakeError(errors::kImportTooLarge, what + ": larger than " + limit + " (VORA_IMPORT_MAX_BYTES)", {.limit = limit});
}

StatusOr<std::unique_ptr<Origin>> OpenOrigin(const workflow::v1::Origin& origin, const sources::Sources& sources,
                                             const ImportOptions& options, std::function<bool()> stopped) {
  if (!origin.url().empty()) return MakeUrlOrigin(origin.url(), options, std::move(stopped));
  const auto source = sources.Find(origin.source());
  // Another worker may have it: VORA_SOURCES is being changed, or this one is not set up right.
  if (!source.ok()) return Unavailable("this worker does not know the source " + origin.source() + ": set its VORA_SOURCES as metadata's");
  return std::unique_ptr<Origin>(std::make_unique<FileOrigin>(**source, origin.key(), options));
}

}  // namespace vora::transcode
