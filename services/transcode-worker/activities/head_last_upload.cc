#include "services/transcode-worker/activities/head_last_upload.h"

#include <algorithm>
#include <utility>

#include "libs/storage/base/part_bytes.h"
#include "services/transcode-worker/activities/source_reader.h"

namespace vora::transcode {

HeadLastUpload::HeadLastUpload(storage::ObjectStore& store, std::chrono::milliseconds patience, Writer writer, UploadedObject object,
                               std::function<void(const std::string&)> begun)
    : store_(store),
      patience_(patience),
      writer_(std::move(writer)),
      object_(std::move(object)),
      begun_(std::move(begun)),
      part_bytes_(static_cast<size_t>(std::max(storage::PartBytesFor(object_.size), storage::WholeMib(object_.head_bytes)))),
      first_(static_cast<size_t>(object_.head_bytes), '\0'),
      bytes_(object_.head_bytes) {}

Status HeadLastUpload::Patiently(const std::function<Status()>& op) const {
  return WaitOutFaults(patience_, writer_.stopping, [&]() -> Status {
    if (writer_.disowned && writer_.disowned()) {
      return Aborted("the task may be another worker's by now; " + object_.key + " is not written");
    }
    return op();
  });
}

Status HeadLastUpload::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    std::string& part = first_.size() < part_bytes_ ? first_ : part_;
    const size_t taken = std::min(bytes.size(), part_bytes_ - part.size());
    part.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    bytes_ += static_cast<int64_t>(taken);
    if (part_.size() < part_bytes_) continue;
    VORA_RETURN_IF_ERROR(Upload(static_cast<int>(parts_.size()) + 2, part_));
    part_.clear();
  }
  return {};
}

Status HeadLastUpload::Upload(int number, std::string_view bytes) {
  if (multipart_id_.empty()) {
    const storage::MultipartOptions options{.content_type = object_.content_type, .part_size = static_cast<int64_t>(part_bytes_)};
    VORA_RETURN_IF_ERROR(Patiently([&]() -> Status {
      VORA_ASSIGN_OR_RETURN(multipart_id_, store_.CreateMultipart(object_.key, options));
      return {};
    }));
    begun_(multipart_id_);
  }
  return Patiently([&]() -> Status {
    VORA_ASSIGN_OR_RETURN(const storage::CompletedPart part, store_.UploadPart(object_.key, multipart_id_, number, bytes));
    parts_.insert(number == 1 ? parts_.begin() : parts_.end(), part);
    return {};
  });
}

StatusOr<int64_t> HeadLastUpload::Finish(std::string_view head) {
  first_.replace(0, head.size(), head);
  if (first_.size() < part_bytes_ || (parts_.empty() && part_.empty())) {
    VORA_RETURN_IF_ERROR(Patiently([&] { return store_.Put(object_.key, first_, {.content_type = object_.content_type}).status(); }));
    return bytes_;
  }
  if (!part_.empty()) VORA_RETURN_IF_ERROR(Upload(static_cast<int>(parts_.size()) + 2, part_));
  VORA_RETURN_IF_ERROR(Upload(1, first_));
  VORA_RETURN_IF_ERROR(Patiently([&] { return store_.CompleteMultipart(object_.key, multipart_id_, parts_).status(); }));
  multipart_id_.clear();
  return bytes_;
}

void HeadLastUpload::Abandon() {
  if (multipart_id_.empty() || (writer_.disowned && writer_.disowned())) return;
  (void)store_.AbortMultipart(object_.key, multipart_id_);
}

}  // namespace vora::transcode
