// The part of VideoReader that turns, deinterlaces and lays over black, by libavfilter.

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "libs/media/video/video_reader_internal.h"

extern "C" {
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
}

namespace vora::media {
namespace {

const int32_t* DisplayMatrix(AVStream* stream) {
  size_t size = 0;
  const uint8_t* data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return data != nullptr && size >= 9 * sizeof(int32_t) ? reinterpret_cast<const int32_t*>(data) : nullptr;
}

double Turn(const int32_t* matrix) {
  double turn = -std::round(av_display_rotation_get(matrix));
  if (std::isnan(turn)) return 0;
  // Into [0, 360), with what lies just below 360 taken for a rounded 0.
  turn -= 360 * std::floor(turn / 360 + 0.9 / 360);
  return turn;
}

// How good a candidate for the film a stream is, first things first.
auto FilmRank(const AVFormatContext& context, const AVStream& stream) {
  const double seconds = stream.duration > 0 ? static_cast<double>(stream.duration) * av_q2d(stream.time_base)
                                             : static_cast<double>(std::max<int64_t>(0, context.duration)) / AV_TIME_BASE;
  const double rate = av_q2d(stream.avg_frame_rate.num > 0 && stream.avg_frame_rate.den > 0 ? stream.avg_frame_rate : AVRational{25, 1});
  const auto frames = stream.nb_frames > 0 ? static_cast<double>(stream.nb_frames) : seconds * rate;
  const bool other = (stream.disposition & (AV_DISPOSITION_STILL_IMAGE | AV_DISPOSITION_TIMED_THUMBNAILS | AV_DISPOSITION_DEPENDENT)) != 0;
  const bool marked = (stream.disposition & AV_DISPOSITION_DEFAULT) != 0;
  // Covers and previews: a picture or a few, or one every second or so beside a film.
  const bool moves = frames >= 3 && rate >= 3;
  // Of those marked as default the first.
  return std::tuple(avcodec_find_decoder(stream.codecpar->codec_id) != nullptr, !other, moves, marked,
                    marked ? 0 : int64_t{stream.codecpar->width} * stream.codecpar->height);
}

}  // namespace

int FindVideoStream(AVFormatContext* context) {
  int best = -1;
  for (unsigned i = 0; i < context->nb_streams; ++i) {
    const AVStream& stream = *context->streams[i];
    if (stream.codecpar->codec_type != AVMEDIA_TYPE_VIDEO || (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0) continue;
    // Of equals the first.
    if (best < 0 || FilmRank(*context, stream) > FilmRank(*context, *context->streams[best])) best = static_cast<int>(i);
  }
  return best;
}

int RotationDegrees(AVStream* stream) {
  const int32_t* matrix = DisplayMatrix(stream);
  if (matrix == nullptr) return 0;
  const double turn = Turn(matrix);
  for (const int degrees : {90, 180, 270}) {
    if (std::abs(turn - degrees) < 1) return degrees;
  }
  return 0;
}

std::string OrientationFilter(AVStream* stream) {
  const int32_t* m = DisplayMatrix(stream);
  if (m == nullptr) return {};
  switch (RotationDegrees(stream)) {
    case 90:
      return m[3] > 0 ? "transpose=cclock_flip" : "transpose=clock";
    case 180: {
      std::string text = m[0] < 0 ? "hflip" : "";
      if (m[4] < 0) text += text.empty() ? "vflip" : ",vflip";
      return text;
    }
    case 270:
      return m[3] < 0 ? "transpose=clock_flip" : "transpose=cclock";
    default:
      return m[4] < 0 ? "vflip" : "";
  }
}

Status VideoReader::BuildFilter(const AVFrame& like) {
  graph_.reset(avfilter_graph_alloc());
  if (!graph_) return ResourceExhausted("out of memory");
  graph_->nb_threads = 1;
  const AVRational tb = stream()->time_base;
  const AVRational rate = stream()->avg_frame_rate.num > 0 ? stream()->avg_frame_rate : AVRational{25, 1};
  const std::string args = "video_size=" + std::to_string(like.width) + "x" + std::to_string(like.height) +
                           ":pix_fmt=" + std::to_string(like.format) + ":time_base=" + std::to_string(tb.num) + "/" +
                           std::to_string(tb.den) + ":frame_rate=" + std::to_string(rate.num) + "/" + std::to_string(rate.den);
  // One frame for each (no doubled rate), and only those marked as interlaced: mixed material keeps its progressive ones.
  std::string text;
  const auto add = [&](const std::string& filter) { text += (text.empty() ? "" : ",") + filter; };
  if (interlaced_) add("bwdif=mode=send_frame:deint=interlaced");
  if (transparent_) add("premultiply=inplace=1");
  if (!filter_text_.empty()) add(filter_text_);
  if (text.empty()) text = "null";
  int result = avfilter_graph_create_filter(&graph_in_, avfilter_get_by_name("buffer"), "in", args.c_str(), nullptr, graph_.get());
  if (result >= 0)
    result = avfilter_graph_create_filter(&graph_out_, avfilter_get_by_name("buffersink"), "out", nullptr, nullptr, graph_.get());
  if (result >= 0) {
    AVFilterInOut* outputs = avfilter_inout_alloc();
    AVFilterInOut* inputs = avfilter_inout_alloc();
    *outputs = {av_strdup("in"), graph_in_, 0, nullptr};
    *inputs = {av_strdup("out"), graph_out_, 0, nullptr};
    result = avfilter_graph_parse_ptr(graph_.get(), text.c_str(), &inputs, &outputs, nullptr);
    avfilter_inout_free(&inputs);
    avfilter_inout_free(&outputs);
  }
  if (result >= 0) result = avfilter_graph_config(graph_.get(), nullptr);
  if (result < 0) return AvStatus(result, "cannot set up '" + text + "'");
  graph_time_base_ = av_buffersink_get_time_base(graph_out_);
  graph_width_ = like.width;
  graph_height_ = like.height;
  graph_format_ = like.format;
  graph_eof_ = false;
  return {};
}

StatusOr<bool> VideoReader::FilterNext(AVFrame* frame) {
  FramePtr decoded(av_frame_alloc());
  for (;;) {
    if (graph_) {
      av_frame_unref(frame);
      const int got = av_buffersink_get_frame(graph_out_, frame);
      if (got >= 0) {
        frame->best_effort_timestamp = frame->pts;
        return true;
      }
      if (got != AVERROR(EAGAIN) && got != AVERROR_EOF) return AvStatus(got, "filtering");
      if (graph_eof_) {
        if (!changed_) return false;
        VORA_RETURN_IF_ERROR(BuildFilter(*changed_));
        VORA_RETURN_IF_ERROR(Feed(changed_.get()));
        changed_.reset();
        continue;
      }
    }
    VORA_ASSIGN_OR_RETURN(const bool some, Decode(decoded.get()));
    if (!some) {
      if (!graph_) return false;
      VORA_RETURN_IF_ERROR(Feed(nullptr));
      continue;
    }
    decoded->pts = decoded->best_effort_timestamp;
    if (!graph_) VORA_RETURN_IF_ERROR(BuildFilter(*decoded));
    if (decoded->width != graph_width_ || decoded->height != graph_height_ || decoded->format != graph_format_) {
      changed_ = std::exchange(decoded, FramePtr(av_frame_alloc()));
      VORA_RETURN_IF_ERROR(Feed(nullptr));
      continue;
    }
    VORA_RETURN_IF_ERROR(Feed(decoded.get()));
  }
}

// Null: the graph gets no more.
Status VideoReader::Feed(AVFrame* frame) {
  if (frame == nullptr) graph_eof_ = true;
  const int added = av_buffersrc_add_frame_flags(graph_in_, frame, 0);
  return added < 0 ? AvStatus(added, "filtering") : Status();
}

}  // namespace vora::media
