#include "libs/core/error.h"
#include "libs/media/probe/extent_evidence_internal.h"

#include <algorithm>

#include "libs/media/base/media_error.h"
#include "libs/media/base/source_limits.h"
#include "libs/media/input/input_internal.h"

namespace vora::media {
namespace {

// Tracks may share bytes, but not many times over.
constexpr int64_t kSharing = 4;

bool IsMedia(const AVStream& stream) {
  const AVMediaType type = stream.codecpar->codec_type;
  return (type == AVMEDIA_TYPE_VIDEO && (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) == 0) || type == AVMEDIA_TYPE_AUDIO;
}

}  // namespace

std::vector<double> IndexedTimes(AVFormatContext* context, AVStream* video) {
  std::vector<double> times;
  for (unsigned i = 0; i < context->nb_streams; ++i) {
    AVStream* stream = context->streams[i];
    if (stream != video && stream->codecpar->codec_type != AVMEDIA_TYPE_AUDIO) continue;
    const double tb = av_q2d(stream->time_base);
    const int entries = avformat_index_get_entries_count(stream);
    for (int e = 0; e < entries; ++e) {
      times.push_back(static_cast<double>(avformat_index_get_entry(stream, e)->timestamp) * tb);
    }
  }
  return times;
}

StatusOr<std::vector<double>> AllTimes(ByteSource& source) {
  std::vector<double> times;
  VORA_ASSIGN_OR_RETURN(const std::unique_ptr<Input> input, Input::Open(source));
  PacketPtr packet(av_packet_alloc());
  for (;;) {
    VORA_ASSIGN_OR_RETURN(const bool some, input->Read(packet.get()));
    if (!some) return times;
    const AVStream& stream = *input->stream(packet->stream_index);
    const int64_t at = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (IsMedia(stream) && at != AV_NOPTS_VALUE) times.push_back(static_cast<double>(at) * av_q2d(stream.time_base));
    av_packet_unref(packet.get());
  }
}

Status TrimToEvidence(std::vector<double> times, Extent* extent) {
  if (times.empty()) return {};
  const double limit = ActiveSourceLimits().max_gap_seconds;
  std::sort(times.begin(), times.end());
  for (size_t i = 1; i < times.size() && times[i - 1] < extent->end_seconds; ++i) {
    if (times[i] - times[i - 1] <= limit) continue;
    return MakeError(errors::kMediaTooLong, "The file holds neither video nor audio from " + SecondsText(times[i - 1]) + " to " +
                                                SecondsText(times[i]) + "; at most " + SecondsText(limit) +
                                                " are bridged (VORA_MAX_SOURCE_GAP).");
  }
  const double last = times.back();
  if (extent->end_seconds - last <= limit) return {};
  extent->end_seconds = last + (times.size() > 1 ? std::max(0.001, last - times[times.size() - 2]) : limit);
  extent->cut_off = extent->trimmed = true;
  extent->packets = 0;
  return {};
}

Status CheckIndexedBytes(AVFormatContext* context, int64_t source_bytes) {
  for (unsigned i = 0; i < context->nb_streams; ++i) {
    AVStream* stream = context->streams[i];
    int64_t bytes = 0;
    const int entries = avformat_index_get_entries_count(stream);
    for (int e = 0; e < entries; ++e) bytes += std::max(0, static_cast<int>(avformat_index_get_entry(stream, e)->size));
    // Of a file that is cut off, the index may list what is gone.
    const AVIndexEntry* last = entries > 0 ? avformat_index_get_entry(stream, entries - 1) : nullptr;
    if (last == nullptr || last->pos + last->size > source_bytes || bytes / kSharing <= source_bytes) continue;
    return MakeError(errors::kMediaUnreadable, "The file's index lists " + std::to_string(bytes) + " bytes of track " + std::to_string(i) +
                                                   ", but the whole file has only " + std::to_string(source_bytes) +
                                                   ": it is damaged or made up.");
  }
  return {};
}

}  // namespace vora::media
