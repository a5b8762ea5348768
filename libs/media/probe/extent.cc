#include <algorithm>
#include <cstring>

#include "libs/media/base/source_limits.h"
#include "libs/media/probe/extent_evidence_internal.h"
#include "libs/media/probe/extent_internal.h"

namespace vora::media {
namespace {

constexpr double kTailSeconds = 10;
// Below it a long file is read whole, which is quick: a day would have 350 MB.
constexpr double kSparseBytesPerSecond = 4096;

// MP4 with a complete sample table: exact, without reading on.
bool FromIndex(AVFormatContext* context, AVStream* stream, int64_t source_bytes, Extent* extent) {
  const int entries = avformat_index_get_entries_count(stream);
  if (std::strstr(context->iformat->name, "mov") == nullptr || stream->nb_frames <= 0 || stream->duration <= 0 || entries <= 0)
    return false;
  const double tb = av_q2d(stream->time_base);
  const int64_t start = stream->start_time == AV_NOPTS_VALUE ? 0 : stream->start_time;
  extent->promised_seconds = static_cast<double>(start + stream->duration) * tb;
  extent->end_seconds = extent->promised_seconds;
  for (int i = 0; i < entries; ++i) {
    const AVIndexEntry* entry = avformat_index_get_entry(stream, i);
    if (entry->pos + entry->size <= source_bytes) continue;
    extent->cut_off = true;
    extent->end_seconds = static_cast<double>(entry->timestamp) * tb;
    break;
  }
  return true;
}

Status ScanToEnd(VideoReader& reader, double frame_seconds, Extent* extent) {
  AVStream* stream = reader.stream();
  const double tb = av_q2d(stream->time_base);
  PacketPtr packet(av_packet_alloc());
  double first = 1e18, end = -1e18;
  for (;;) {
    VORA_ASSIGN_OR_RETURN(const bool some, reader.input().Read(packet.get()));
    if (!some) break;
    const int64_t ts = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (packet->stream_index == stream->index && ts != AV_NOPTS_VALUE) {
      const double at = static_cast<double>(ts) * tb;
      first = std::min(first, at);
      end = std::max(end, at + (packet->duration > 0 ? static_cast<double>(packet->duration) * tb : frame_seconds));
      ++extent->packets;
    }
    av_packet_unref(packet.get());
  }
  if (extent->packets > 0) {
    extent->end_seconds = end;
    extent->scanned_seconds = end - first;
  }
  return {};
}

}  // namespace

StatusOr<Extent> MeasureExtent(VideoReader& reader, ByteSource& source, double frame_seconds) {
  const int64_t source_bytes = source.size();
  Extent extent;
  AVFormatContext* context = reader.input().context();
  AVStream* stream = reader.stream();
  if (FromIndex(context, stream, source_bytes, &extent)) {
    VORA_RETURN_IF_ERROR(CheckIndexedBytes(context, source_bytes));
    const double first = stream->start_time == AV_NOPTS_VALUE ? 0 : static_cast<double>(stream->start_time) * av_q2d(stream->time_base);
    if (extent.end_seconds - first <= ActiveSourceLimits().max_gap_seconds) return extent;
    VORA_RETURN_IF_ERROR(TrimToEvidence(IndexedTimes(context, stream), &extent));
    const int entries = avformat_index_get_entries_count(stream);
    if (extent.trimmed && entries > 1) {
      const double tb = av_q2d(stream->time_base);
      extent.packets = entries - 1;
      extent.scanned_seconds =
          static_cast<double>(avformat_index_get_entry(stream, entries - 1)->timestamp - avformat_index_get_entry(stream, 0)->timestamp) *
          tb;
    }
    return extent;
  }
  const double start = context->start_time == AV_NOPTS_VALUE ? 0 : static_cast<double>(context->start_time) / AV_TIME_BASE;
  const double length = context->duration > 0 ? static_cast<double>(context->duration) / AV_TIME_BASE : 0;
  if (length > 2 * kTailSeconds) {
    const int64_t ts = static_cast<int64_t>((start + length - kTailSeconds) / av_q2d(stream->time_base));
    // The end is read and not believed, but only the last seconds of it: the file may have gigabytes.
    if (av_seek_frame(context, stream->index, ts, AVSEEK_FLAG_BACKWARD) >= 0) {
      VORA_RETURN_IF_ERROR(ScanToEnd(reader, frame_seconds, &extent));
    }
  }
  if (extent.packets == 0) {
    av_seek_frame(context, stream->index, stream->start_time == AV_NOPTS_VALUE ? 0 : stream->start_time, AVSEEK_FLAG_BACKWARD);
    VORA_RETURN_IF_ERROR(ScanToEnd(reader, frame_seconds, &extent));
  }
  if (extent.packets == 0) extent.end_seconds = start + length;
  extent.promised_seconds = length > 0 ? start + length : extent.end_seconds;
  // Audio may well run on a little longer than the picture.
  extent.cut_off = extent.promised_seconds > extent.end_seconds + std::max(5.0, 0.1 * length);
  const double measured = extent.end_seconds - start;
  if (measured > ActiveSourceLimits().max_gap_seconds && static_cast<double>(source_bytes) / measured < kSparseBytesPerSecond) {
    VORA_ASSIGN_OR_RETURN(const std::vector<double> times, AllTimes(source));
    VORA_RETURN_IF_ERROR(TrimToEvidence(times, &extent));
  }
  return extent;
}

}  // namespace vora::media
