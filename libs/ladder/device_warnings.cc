#include "libs/ladder/device_warnings.h"

#include <algorithm>
#include <cmath>

#include "libs/ladder/h264_level.h"

namespace vora::ladder {
namespace {

// What the decoders of phones, televisions and most computers are made for (H.264 in hardware).
constexpr int kHighestLevel = 52;
constexpr int kMostLines = 2160;
// More than a Wi-Fi at home, or a television's network port of 100 Mbit/s, carries without pauses.
constexpr int64_t kFastestStream = 60'000'000;
// A rung for connections that are slow: without one the video stops again and again there.
constexpr int64_t kSlowConnection = 1'500'000;

std::string LevelName(int level) { return std::to_string(level / 10) + "." + std::to_string(level % 10); }

void Judge(const std::string& name, const media::v1::Rung& rung, int width, int height, double fps, std::vector<std::string>& warnings) {
  const int level = H264LevelIdc(width, height, fps, rung.max_bitrate(), rung.profile());
  if (std::min(width, height) > kMostLines) {
    warnings.push_back(name + ": no phone or television, and hardly a computer, decodes H.264 of more than " + std::to_string(kMostLines) +
                       " lines");
  } else if (level > kHighestLevel) {
    warnings.push_back(name + ": needs H.264 level " + LevelName(level) + ", devices decode up to " + LevelName(kHighestLevel) +
                       "; make it smaller, or lower max_bitrate");
  }
  if (rung.max_bitrate() > kFastestStream) {
    warnings.push_back(name + ": up to " + std::to_string(rung.max_bitrate() / 1'000'000) + " Mbit/s is more than most networks carry; " +
                       std::to_string(kFastestStream / 1'000'000) + " is the most that plays without pauses");
  }
}

void JudgeLowest(int64_t lowest, std::vector<std::string>& warnings) {
  if (lowest <= kSlowConnection) return;
  warnings.push_back("the smallest rendition needs up to " + std::to_string(lowest / 1000) +
                     " kbit/s: on slower connections the video stops; add one of at most " + std::to_string(kSlowConnection / 1000) +
                     " kbit/s");
}

}  // namespace

std::vector<std::string> DeviceWarnings(const media::v1::Ladder& ladder) {
  std::vector<std::string> warnings;
  for (const auto& rung : ladder.rungs()) {
    const int width = 2 * static_cast<int>(std::lround(rung.height() * 16.0 / 9 / 2));
    Judge(rung.name(), rung, width, rung.height(), 30, warnings);
  }
  if (ladder.rungs_size() > 0) JudgeLowest(ladder.rungs(0).max_bitrate(), warnings);
  return warnings;
}

std::vector<std::string> DeviceWarnings(const media::v1::Plan& plan) {
  std::vector<std::string> warnings;
  const media::v1::TrackPlan* lowest = nullptr;
  for (const auto& track : plan.tracks()) {
    if (!track.has_rung()) continue;
    const double fps = static_cast<double>(track.frame_rate_num()) / track.frame_rate_den();
    Judge(track.name(), track.rung(), track.width(), track.height(), fps, warnings);
    if (lowest == nullptr) lowest = &track;
  }
  if (lowest != nullptr) JudgeLowest(lowest->rung().max_bitrate(), warnings);
  return warnings;
}

}  // namespace vora::ladder
