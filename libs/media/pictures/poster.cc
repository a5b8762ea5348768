#include "libs/media/pictures/poster.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "libs/core/error.h"
#include "libs/media/base/media_error.h"
#include "libs/media/pictures/still_picture_internal.h"
#include "libs/media/video/video_reader_internal.h"

namespace vora::media {
namespace {

constexpr int kMaxFramesToTarget = 150;  // a picture a little early will do when keyframes are far apart
constexpr int kPosterQuality = 4;
constexpr double kLively = 30;  // standard deviation of luma that needs no better picture

double Liveliness(const std::string& pixels, const FrameLayout& layout) {
  double sum = 0, squares = 0, count = 0;
  for (int y = 0; y < layout.height; y += 4) {
    const auto* row = reinterpret_cast<const uint8_t*>(pixels.data()) + static_cast<size_t>(y) * static_cast<size_t>(layout.luma_stride);
    for (int x = 0; x < layout.width; x += 4) {
      sum += row[x];
      squares += static_cast<double>(row[x]) * row[x];
      ++count;
    }
  }
  return std::sqrt(std::max(0.0, squares / count - (sum / count) * (sum / count)));
}

}  // namespace

StatusOr<std::string> MakePoster(ByteSource& source, const media::v1::MediaInfo& media, double at_seconds, int max_width) {
  const auto& video = media.video();
  int width = std::max(2, video.width()), height = std::max(2, video.height());
  const int limit = max_width > 0 ? max_width : 1280;
  if (width > limit) {
    height = std::max(2, static_cast<int>(std::lround(static_cast<double>(height) * limit / width)));
    width = limit;
  }
  const FrameLayout layout(width / 2 * 2, height / 2 * 2);
  VORA_ASSIGN_OR_RETURN(std::unique_ptr<VideoReader> reader, VideoReader::Open(source, video.stream_index(), 1));
  const double length = media.duration_seconds();
  const double first = at_seconds > 0 ? std::min(at_seconds, length * 0.95) : length * 0.1;
  std::string best;
  double best_liveliness = -1;
  FramePtr frame(av_frame_alloc());
  for (const double at : {first, length * 0.2, length * 0.35, length * 0.5, length * 0.05}) {
    const double target = video.start_seconds() + at;
    VORA_RETURN_IF_ERROR(reader->Seek(target));
    double seconds = 0;
    for (int tries = 0; tries < kMaxFramesToTarget; ++tries) {
      VORA_ASSIGN_OR_RETURN(const bool some, reader->Next(frame.get(), &seconds));
      if (!some || seconds >= target - 0.05) break;
    }
    if (frame->width <= 0) continue;
    std::string pixels(layout.bytes, '\0');
    VORA_RETURN_IF_ERROR(ScaleToStill(*frame, layout, 0, &pixels));
    const double liveliness = Liveliness(pixels, layout);
    if (liveliness > best_liveliness) {
      best_liveliness = liveliness;
      best = std::move(pixels);
    }
    // Each further place costs a seek and up to kMaxFramesToTarget frames.
    if (best_liveliness >= kLively) break;
  }
  if (best.empty()) return MakeError(errors::kMediaUnreadable, "No picture for a poster could be decoded.");
  return EncodeJpeg(best, layout, kPosterQuality);
}

}  // namespace vora::media
