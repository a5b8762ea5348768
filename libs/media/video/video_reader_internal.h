#pragma once

// Decoded pictures of one video stream in presentation order, upright (rotation applied), progressive (interlaced ones deinterlaced) and
// opaque (over black).

#include <memory>
#include <optional>

#include "libs/core/status.h"
#include "libs/media/base/av_internal.h"
#include "libs/media/base/frame_layout.h"
#include "libs/media/input/input_internal.h"

namespace vora::media {

// Index of the stream that is the video (never cover art), or -1.
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
  // The key frame at or before `seconds`, or the next one where the container cannot tell, decoded alone; false when there is none that can
  // be decoded. A reader that is asked for key frames can do nothing else afterwards.
  StatusOr<bool> KeyFrame(double seconds, AVFrame* frame, double* at);
  // The next frame in `frame` (replaced) with its time, which always rises; false at the end. Undecodable pictures are left out.
  StatusOr<bool> Next(AVFrame* frame, double* seconds);

  // From now on pictures that no other needs are left out: a third of the work, where a picture nearby will do.
  void OnlyReferences() { only_references_ = true; }

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
  Status Feed(AVFrame* frame);
  StatusOr<bool> NextAny(AVFrame* frame, double* seconds);
  Status DecodeAlone(AVPacket* packet, AVFrame* frame);
  Status FilterAlone(AVFrame* frame);
  void ForgetPosition();

  ByteSource& source_;
  int index_;
  int threads_;
  std::unique_ptr<Input> input_;
  CodecPtr decoder_;
  VideoColor color_;
  std::string filter_text_;
  bool interlaced_ = false;   // some pictures may be
  bool transparent_ = false;  // shown over black
  GraphPtr graph_;
  AVFilterContext* graph_in_ = nullptr;
  AVFilterContext* graph_out_ = nullptr;
  AVRational graph_time_base_{0, 1};
  int graph_width_ = 0, graph_height_ = 0, graph_format_ = -1;
  bool graph_eof_ = false;
  FramePtr changed_;  // of another size or format than the graph is for, which gives out first what it holds
  PacketPtr packet_;
  FramePtr pending_;  // found by Seek, given out by the next Next
  double pending_seconds_ = 0;
  std::optional<double> last_seconds_;
  FramePtr key_frame_;  // of the last KeyFrame
  int64_t key_pts_ = AV_NOPTS_VALUE;
  double skip_nonref_until_ = -1e18;
  bool only_references_ = false;
  bool draining_ = false;
  bool await_key_ = false;  // after a seek, of codecs whose decoders make up what they have no reference for
  int64_t bad_frames_ = 0;
};

}  // namespace vora::media
