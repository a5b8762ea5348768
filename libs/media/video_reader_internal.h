#pragma once

// Decoded pictures of one video stream in presentation order, upright (rotation applied) and progressive (interlaced ones deinterlaced).

#include <memory>
#include <optional>

#include "libs/core/status.h"
#include "libs/media/av_internal.h"
#include "libs/media/frame_layout.h"
#include "libs/media/input_internal.h"

namespace vora::media {

// Index of the stream that is the film (never cover art), or -1.
int FindVideoStream(AVFormatContext* context);
// Clockwise quarter turns (0, 90, 180, 270) that bring the picture upright.
int RotationDegrees(AVStream* stream);
// Filter text that undoes the display matrix; empty when there is nothing to do.
std::string OrientationFilter(AVStream* stream);

class VideoReader {
 public:
  // `source` must outlive the reader. media.unsupported_codec, media.unreadable and what Input::Open says.
  static StatusOr<std::unique_ptr<VideoReader>> Open(ByteSource& source, int stream_index, int threads);
  ~VideoReader();

  // Goes to a place from which the frame shown at `seconds` (the source's clock) can be decoded: the next frame is at or before it, unless
  // the file begins later.
  Status Seek(double seconds);
  // The next frame in `frame` (replaced) with its time, which always rises; false at the end. Undecodable pictures are left out.
  StatusOr<bool> Next(AVFrame* frame, double* seconds);

  AVStream* stream() { return input_->stream(index_); }
  Input& input() { return *input_; }
  // From the container and the first pictures of the file, wherever reading goes on: equal for every chunk.
  VideoColor color() const { return color_; }
  int64_t bad_frames() const { return bad_frames_; }

 private:
  VideoReader(ByteSource& source, int stream_index, int threads) : source_(source), index_(stream_index), threads_(threads) {}
  Status Reopen();
  Status OpenDecoder();
  // Decoded, not yet filtered.
  StatusOr<bool> Decode(AVFrame* frame);
  StatusOr<bool> FilterNext(AVFrame* frame);
  Status BuildFilter(const AVFrame& like);
  StatusOr<bool> NextAny(AVFrame* frame, double* seconds);
  void ForgetPosition();

  ByteSource& source_;
  int index_;
  int threads_;
  std::unique_ptr<Input> input_;
  CodecPtr decoder_;
  VideoColor color_;
  std::string filter_text_;
  bool interlaced_ = false;
  GraphPtr graph_;
  AVFilterContext* graph_in_ = nullptr;
  AVFilterContext* graph_out_ = nullptr;
  AVRational graph_time_base_{0, 1};
  int graph_width_ = 0, graph_height_ = 0, graph_format_ = -1;
  bool graph_eof_ = false;
  PacketPtr packet_;
  FramePtr pending_;  // found by Seek, given out by the next Next
  double pending_seconds_ = 0;
  std::optional<double> last_seconds_;
  double skip_nonref_until_ = -1e18;
  bool draining_ = false;
  int64_t bad_frames_ = 0;
};

}  // namespace vora::media
