#include "libs/ladder/h264_level.h"

#include <cstdio>

namespace vora::ladder {
namespace {

struct Level {
  int idc;
  int64_t macroblocks_per_second, macroblocks_per_frame, kilobits;  // kilobits: MaxBR of Baseline and Main
};
constexpr Level kLevels[] = {
    {10, 1'485, 99, 64},
    {11, 3'000, 396, 192},
    {12, 6'000, 396, 384},
    {13, 11'880, 396, 768},
    {20, 11'880, 396, 2'000},
    {21, 19'800, 792, 4'000},
    {22, 20'250, 1'620, 4'000},
    {30, 40'500, 1'620, 10'000},
    {31, 108'000, 3'600, 14'000},
    {32, 216'000, 5'120, 20'000},
    {40, 245'760, 8'192, 20'000},
    {42, 522'240, 8'704, 50'000},
    {50, 589'824, 22'080, 135'000},
    {51, 983'040, 36'864, 240'000},
    {52, 2'073'600, 36'864, 240'000},
    {60, 4'177'920, 139'264, 240'000},
    {61, 8'355'840, 139'264, 480'000},
    {62, 16'711'680, 139'264, 800'000},
};

}  // namespace

int H264LevelIdc(int width, int height, double frames_per_second, int64_t max_bitrate, std::string_view profile) {
  const int64_t macroblocks = int64_t{(width + 15) / 16} * ((height + 15) / 16);
  const double per_second = static_cast<double>(macroblocks) * frames_per_second;
  // MaxBR counts in units of 1000 bits, for High of 1250 (Rec. ITU-T H.264, table A-2).
  const double factor = profile == "high" ? 1250 : 1000;  // cpbBrVclFactor
  for (const Level& level : kLevels) {
    if (macroblocks <= level.macroblocks_per_frame && per_second <= static_cast<double>(level.macroblocks_per_second) &&
        static_cast<double>(max_bitrate) <= static_cast<double>(level.kilobits) * factor) {
      return level.idc;
    }
  }
  return 62;
}

std::string H264Codecs(int width, int height, double frames_per_second, int64_t max_bitrate, std::string_view profile) {
  // profile_idc and the constraint flags; the level follows.
  const char* head = profile == "high" ? "6400" : profile == "main" ? "4d40" : "42e0";
  char text[16];
  std::snprintf(text, sizeof text, "avc1.%s%02x", head,
                static_cast<unsigned>(H264LevelIdc(width, height, frames_per_second, max_bitrate, profile)) & 0xFFu);
  return text;
}

}  // namespace vora::ladder
