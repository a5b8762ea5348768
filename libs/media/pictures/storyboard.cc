#include "libs/media/pictures/storyboard.h"

#include <algorithm>
#include <cstring>

#include "libs/core/error.h"
#include "libs/media/base/media_error.h"
#include "libs/media/pictures/still_picture_internal.h"
#include "libs/media/video/video_reader_internal.h"

namespace vora::media {
namespace {

constexpr int kStoryboardQuality = 5;
// Pictures between key frames are decoded until this many pixels are: five minutes of 1080p30. A number and not a time, so that every try
// makes the same sheets.
constexpr int64_t kPixelBudget = int64_t{20} * 1000 * 1000 * 1000;
constexpr double kNearEnough = 0.02;  // seconds: less than a frame, more than rounding

// Finds one picture per interval.
class TilePictures {
 public:
  TilePictures(ByteSource& source, const media::v1::VideoStream& video) : source_(source), video_(video), frame_(av_frame_alloc()) {}

  // The picture for [begin, end) on the presentation's clock; nullptr when it cannot be had. Ask in rising order.
  StatusOr<const AVFrame*> Find(double begin, double end) {
    if (!keys_) {
      VORA_ASSIGN_OR_RETURN(keys_, VideoReader::Open(source_, video_.stream_index(), 1));
    }
    const double target = video_.start_seconds() + (begin + end) / 2;
    double at = 0;
    VORA_ASSIGN_OR_RETURN(const bool key, keys_->KeyFrame(target, frame_.get(), &at));
    const double from = video_.start_seconds() + begin - kNearEnough, to = video_.start_seconds() + end;
    if (key && at >= from && at < to - kNearEnough) return frame_.get();
    VORA_ASSIGN_OR_RETURN(const bool exact, WalkTo(target));
    if (exact) return walked_.get();
    return key ? frame_.get() : nullptr;
  }

 private:
  // Decodes on to the frame shown at `target`, into walked_. False when that costs too much or there is none.
  StatusOr<bool> WalkTo(double target) {
    if (pixels_ >= kPixelBudget) return false;
    if (!walker_) {
      VORA_ASSIGN_OR_RETURN(walker_, VideoReader::Open(source_, video_.stream_index(), 1));
      walker_->OnlyReferences();
      walked_.reset(av_frame_alloc());
    }
    // A key frame in between is worth a jump only when it saves more than the seek costs.
    if (position_ < 0 || target - position_ > kJump) {
      VORA_RETURN_IF_ERROR(walker_->Seek(target));
      av_frame_unref(walked_.get());
      position_ = -1;
    }
    FramePtr next(av_frame_alloc());
    while (position_ < target - kNearEnough && pixels_ < kPixelBudget) {
      double seconds = 0;
      VORA_ASSIGN_OR_RETURN(const bool some, walker_->Next(next.get(), &seconds));
      if (!some) break;
      pixels_ += int64_t{next->width} * next->height;
      std::swap(walked_, next);
      position_ = seconds;
    }
    return walked_->width > 0;
  }

  static constexpr double kJump = 3;  // seconds
  ByteSource& source_;
  const media::v1::VideoStream& video_;
  std::unique_ptr<VideoReader> keys_, walker_;
  FramePtr frame_, walked_;
  double position_ = -1;
  int64_t pixels_ = 0;
};

void CopyTile(const std::string& tile, const FrameLayout& from, const FrameLayout& to, int x, int y, std::string* sheet) {
  const auto plane = [&](size_t in, int in_stride, size_t out, int out_stride, int px, int py, int width, int height) {
    for (int row = 0; row < height; ++row) {
      std::memcpy(sheet->data() + out + static_cast<size_t>(py + row) * static_cast<size_t>(out_stride) + static_cast<size_t>(px),
                  tile.data() + in + static_cast<size_t>(row) * static_cast<size_t>(in_stride), static_cast<size_t>(width));
    }
  };
  plane(0, from.luma_stride, 0, to.luma_stride, x, y, from.width, from.height);
  plane(from.u_offset, from.chroma_stride, to.u_offset, to.chroma_stride, x / 2, y / 2, from.width / 2, from.height / 2);
  plane(from.v_offset, from.chroma_stride, to.v_offset, to.chroma_stride, x / 2, y / 2, from.width / 2, from.height / 2);
}

std::string Black(const FrameLayout& layout) {
  std::string pixels(layout.bytes, '\0');
  std::fill(pixels.begin() + static_cast<std::ptrdiff_t>(layout.u_offset), pixels.end(), '\x80');
  return pixels;
}

}  // namespace

Status MakeStoryboard(ByteSource& source, const media::v1::MediaInfo& media,
                      const std::function<Status(int sheet, std::string jpeg)>& on_sheet) {
  const StoryboardPlan plan = PlanStoryboard(media);
  const FrameLayout tile(plan.tile_width, plan.tile_height);
  TilePictures pictures(source, media.video());
  // Kept from tile to tile, so that one without a frame repeats the one before.
  std::string pixels = Black(tile);
  bool any = false;
  int done = 0;
  for (int sheet = 0; sheet < plan.sheets(); ++sheet) {
    const FrameLayout layout(plan.Columns(sheet) * plan.tile_width, plan.Rows(sheet) * plan.tile_height);
    std::string whole = Black(layout);
    for (int i = 0; i < plan.TilesOn(sheet); ++i, ++done) {
      const double begin = done * plan.interval_seconds;
      VORA_ASSIGN_OR_RETURN(const AVFrame* frame, pictures.Find(begin, std::min(plan.duration_seconds, begin + plan.interval_seconds)));
      if (frame != nullptr) {
        VORA_RETURN_IF_ERROR(ScaleToStill(*frame, tile, SWS_ACCURATE_RND | SWS_BITEXACT, &pixels));
        any = true;
      }
      CopyTile(pixels, tile, layout, i % plan.Columns(sheet) * plan.tile_width, i / plan.Columns(sheet) * plan.tile_height, &whole);
    }
    if (!any) return MakeError(errors::kMediaUnreadable, "No picture for the storyboard could be decoded.");
    VORA_ASSIGN_OR_RETURN(std::string jpeg, EncodeJpeg(whole, layout, kStoryboardQuality));
    VORA_RETURN_IF_ERROR(on_sheet(sheet, std::move(jpeg)));
  }
  return {};
}

}  // namespace vora::media
