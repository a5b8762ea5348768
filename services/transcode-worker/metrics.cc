#include "services/transcode-worker/metrics.h"

#include <algorithm>
#include <array>

namespace vora::transcode {
namespace {

constexpr std::array<int, 9> kHeights = {144, 240, 360, 480, 720, 1080, 1440, 2160, 4320};
constexpr std::array<const char*, 5> kCodecs = {"h264", "hevc", "av1", "vp9", "vp8"};

}  // namespace

std::string RenditionLabel(const media::v1::Rung& rung) {
  const auto codec = std::find(kCodecs.begin(), kCodecs.end(), rung.codec());
  const auto height = std::lower_bound(kHeights.begin(), kHeights.end(), rung.height());
  return std::string(codec == kCodecs.end() ? "other" : *codec) + "_" + (height == kHeights.end() ? "more" : std::to_string(*height) + "p");
}

}  // namespace vora::transcode
