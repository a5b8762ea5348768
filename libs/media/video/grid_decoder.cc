#include "libs/media/video/grid_decoder.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "libs/core/error.h"
#include "libs/media/base/frame_grid.h"
#include "libs/media/base/media_error.h"
#include "libs/media/video/frame_scaler_internal.h"
#include "libs/media/video/video_reader_internal.h"

namespace vora::media {
namespace {

using Clock = std::chrono::steady_clock;

class GridRun {
 public:
  GridRun(const std::vector<GridOutput>& outputs, FrameSink& sink, const VideoColor& color, const PictureShape& usual)
      : outputs_(outputs), sink_(sink) {
    for (const GridOutput& o : outputs) scalers_.emplace_back(o.width, o.height, color, usual);
  }

  // Shows `frame` as output frames [first, first + count).
  Status Show(const AVFrame& frame, int64_t first, int64_t count) {
    for (int64_t n = first; n < first + count; ++n) {
      for (size_t i = 0; i < outputs_.size(); ++i) {
        if (n < outputs_[i].first_frame || n >= outputs_[i].end_frame) continue;
        const Clock::time_point before = Clock::now();
        uint8_t* out = sink_.Acquire(i);
        // Time spent on a slow encoder is not the decoder's.
        waited_ += Clock::now() - before;
        if (out == nullptr) continue;
        VORA_RETURN_IF_ERROR(scalers_[i].Scale(frame, out));
        sink_.Commit(i);
      }
      if (sink_.Stopped()) return {};
    }
    return {};
  }
  Clock::duration waited() const { return waited_; }

 private:
  const std::vector<GridOutput>& outputs_;
  FrameSink& sink_;
  std::vector<FrameScaler> scalers_;
  Clock::duration waited_{};
};

// Upright, as the container and the first pictures have it: equal for every chunk.
PictureShape UsualShape(VideoReader& reader) {
  const AVCodecParameters& par = *reader.stream()->codecpar;
  PictureShape shape{par.width, par.height, par.sample_aspect_ratio};
  const AVRational shown = av_guess_sample_aspect_ratio(reader.input().context(), reader.stream(), nullptr);
  if (shown.num > 0 && shown.den > 0) {
    shape.stretch =
        av_q2d(shown) / (par.sample_aspect_ratio.num > 0 && par.sample_aspect_ratio.den > 0 ? av_q2d(par.sample_aspect_ratio) : 1);
  }
  const int turn = RotationDegrees(reader.stream());
  if (turn != 90 && turn != 270) return shape;
  std::swap(shape.width, shape.height);
  std::swap(shape.pixel.num, shape.pixel.den);
  shape.stretch = 1 / shape.stretch;
  return shape;
}

// Walks the source from where `reader` stands and fills the grid.
Status Fill(VideoReader& reader, FrameGrid& grid, GridRun& run, FrameSink& sink, FramePtr& current) {
  FramePtr next(av_frame_alloc());
  while (!grid.done() && !sink.Stopped()) {
    double seconds = 0;
    VORA_ASSIGN_OR_RETURN(const bool some, reader.Next(next.get(), &seconds));
    if (!some) break;
    if (current) {
      // How long a frame is shown is known only when the next one's time is.
      const int64_t count = grid.FilledBefore(seconds);
      VORA_RETURN_IF_ERROR(run.Show(*current, grid.next(), count));
      grid.Take(count);
    } else {
      current.reset(av_frame_alloc());
    }
    std::swap(current, next);
  }
  return {};
}

}  // namespace

StatusOr<GridDecodeStats> DecodeToGrid(ByteSource& source, const media::v1::VideoStream& video, const std::vector<GridOutput>& outputs,
                                       FrameSink& sink, const GridDecodeOptions& options) {
  const Clock::time_point begun = Clock::now();
  if (outputs.empty() || video.frame_rate_num() <= 0 || video.frame_rate_den() <= 0) return InvalidArgument("nothing to decode");
  int64_t first = outputs[0].first_frame, end = outputs[0].end_frame;
  int height = 0;
  for (const GridOutput& o : outputs) {
    first = std::min(first, o.first_frame);
    end = std::max(end, o.end_frame);
  }
  VORA_ASSIGN_OR_RETURN(std::unique_ptr<VideoReader> reader, VideoReader::Open(source, video.stream_index(), options.threads));
  height = reader->stream()->codecpar->height;
  FrameGrid grid({video.frame_rate_num(), video.frame_rate_den()}, video.start_seconds(), first, end);
  const VideoColor color = EncodedColor(reader->color(), height);
  sink.Start(color);
  GridRun run(outputs, sink, color, UsualShape(*reader));
  FramePtr current;
  if (first > 0) VORA_RETURN_IF_ERROR(reader->Seek(grid.NeedFrom()));
  VORA_RETURN_IF_ERROR(Fill(*reader, grid, run, sink, current));
  if (!current && first > 0) {
    // Behind the last decodable picture: find that picture.
    VORA_ASSIGN_OR_RETURN(reader, VideoReader::Open(source, video.stream_index(), options.threads));
    VORA_RETURN_IF_ERROR(Fill(*reader, grid, run, sink, current));
  }
  if (!current)
    return MakeError(errors::kMediaUnreadable, "Not one picture of this part of the video could be decoded: the file is damaged.");
  if (!grid.done() && !sink.Stopped()) {
    VORA_RETURN_IF_ERROR(run.Show(*current, grid.next(), grid.Remaining()));
  }
  GridDecodeStats stats;
  stats.decode_seconds = std::chrono::duration<double>(Clock::now() - begun - run.waited()).count();
  stats.bad_frames = reader->bad_frames();
  return stats;
}

}  // namespace vora::media
