// Files that strangers upload: their first bytes, and the boxes of MP4, as they are looked at before any demuxer does; and segments as they
// are read back from the store.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "libs/media/base/media_error.h"
#include "libs/media/cmaf/fmp4.h"
#include "libs/media/cmaf/mp4_file.h"
#include "libs/media/input/container_kind.h"
#include "libs/media/input/mp4_check.h"
#include "tests/fuzz/require.h"

namespace {

class Bytes : public vora::media::ByteSource {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  int64_t size() const override { return static_cast<int64_t>(bytes_.size()); }
  vora::StatusOr<size_t> ReadAt(int64_t offset, char* buffer, size_t size) override {
    Require(offset >= 0 && ++reads_ < 100'000);
    if (offset >= this->size()) return size_t{0};
    const std::string_view part = bytes_.substr(static_cast<size_t>(offset), size);
    std::memcpy(buffer, part.data(), part.size());
    return part.size();
  }

 private:
  std::string_view bytes_;
  int reads_ = 0;
};

// A refusal is always a fault of the file, with a text for people.
void Judge(const vora::Status& status) {
  if (status.ok()) return;
  const auto fault = vora::media::AsMediaFault(status);
  Require(fault.has_value() && fault->message.size() > 20);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Judge(vora::media::CheckIsVideo(bytes));
  Bytes source(bytes);
  vora::media::SourceLimits limits;
  limits.max_streams = 3;
  limits.max_header_bytes = 500;
  Judge(vora::media::CheckMp4(source, limits));
  (void)vora::media::Mp4Track::OfInit(bytes);
  auto track = vora::media::Mp4Track::OfInit(vora::media::AudioInitSegment({.timescale = 48000, .specific_config = "ab"}));
  const auto samples_at = track->Add(bytes, source.size(), 0);
  Require(!samples_at.ok() || (*samples_at >= 0 && *samples_at <= source.size()));
  return 0;
}
