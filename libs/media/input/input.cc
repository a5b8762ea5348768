#include <algorithm>
#include <cstdio>
#include <cstring>

#include "libs/core/error.h"
#include "libs/media/base/media_error.h"
#include "libs/media/base/source_limits.h"
#include "libs/media/input/container_kind.h"
#include "libs/media/input/input_internal.h"

namespace vora::media {
namespace {

constexpr int kIoBuffer = 128 << 10;
constexpr char kContainers[] = "mov,matroska,webm,mpegts,mpeg,avi,flv,ogg,wav,mp3,aac,flac,asf,mxf";
// A damaged stretch is passed over, a file of nothing else ends.
constexpr int kBadPacketsInARow = 200;

// More than any limit: a header that goes beyond it runs out of memory for the demuxer, while below it the tracks can be counted.
constexpr int kDemuxerStreams = 4096;

Status Unreadable() {
  return MakeError(errors::kMediaUnreadable, "This is not a video file that can be read: no known container was found in it.");
}

Status OtherFile() {
  return MakeError(errors::kMediaExternalReference,
                   "The file names another file to go on with, which is never opened; upload a self-contained file.");
}

}  // namespace

StatusOr<std::unique_ptr<Input>> Input::Open(ByteSource& source) {
  if (source.size() == 0) return MakeError(errors::kMediaEmpty, "The file is empty.");
  std::unique_ptr<Input> input(new Input(source));
  VORA_RETURN_IF_ERROR(input->DoOpen());
  return input;
}

Status Input::DoOpen() {
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBuffer));
  if (buffer == nullptr) return ResourceExhausted("out of memory");
  io_ = avio_alloc_context(buffer, kIoBuffer, 0, this, &ReadCallback, nullptr, &SeekCallback);
  context_ = avformat_alloc_context();
  if (io_ == nullptr || context_ == nullptr) return ResourceExhausted("out of memory");
  io_->seekable = AVIO_SEEKABLE_NORMAL;
  context_->pb = io_;
  context_->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_DISCARD_CORRUPT;
  context_->opaque = this;
  context_->io_open = &RefuseOpen;
  context_->max_streams = kDemuxerStreams;
  av_opt_set(context_, "format_whitelist", kContainers, 0);
  av_opt_set(context_, "protocol_whitelist", "none", 0);
  AVDictionary* options = nullptr;
  // Off by default; written down, because so much hangs on it: no media from other files.
  av_dict_set(&options, "enable_drefs", "0", 0);
  av_dict_set(&options, "use_absolute_path", "0", 0);
  // When it fails it frees the context and sets it to null.
  const int opened = avformat_open_input(&context_, nullptr, nullptr, &options);
  av_dict_free(&options);
  // Before FFmpeg's own word: a store that is away must not become a permanent error of the file.
  if (!source_status_.ok()) return source_status_;
  if (asked_for_a_file_) return OtherFile();
  if (opened == AVERROR(ENOMEM)) return AvStatus(opened, "cannot open the source");
  if (opened < 0) return WhyNotOpened();
  // Text is sometimes taken for a raw stream, with a low score.
  if (context_->probe_score < AVPROBE_SCORE_RETRY) return Unreadable();
  VORA_RETURN_IF_ERROR(CheckStreams());
  const int found = avformat_find_stream_info(context_, nullptr);
  if (!source_status_.ok()) return source_status_;
  if (found == AVERROR(ENOMEM)) return AvStatus(found, "cannot read the source");
  if (asked_for_a_file_) return OtherFile();
  if (found < 0 || context_->nb_streams == 0) return Unreadable();
  return CheckStreams();
}

Status Input::WhyNotOpened() {
  // FFmpeg's probes read a little beyond the end, and want zeros there.
  std::string head(kHeadBytes + AVPROBE_PADDING_SIZE, '\0');
  const StatusOr<size_t> got = source_.ReadAt(0, head.data(), kHeadBytes);
  if (!got.ok()) return got.status();
  VORA_RETURN_IF_ERROR(CheckIsVideo(std::string_view(head).substr(0, *got)));
  if (*got >= 12 && std::memcmp(head.data() + 4, "ftyp", 4) == 0) {
    return MakeError(errors::kMediaTruncated, "The file is cut off: it begins as an MP4 file but its index (moov) is missing or broken.");
  }
  AVProbeData data = {"", reinterpret_cast<unsigned char*>(head.data()), static_cast<int>(*got), nullptr};
  int score = 0;
  const AVInputFormat* format = av_probe_input_format3(&data, 1, &score);
  if (format == nullptr || score <= AVPROBE_SCORE_RETRY) return Unreadable();
  const std::string name = std::string(format->name).substr(0, std::strcspn(format->name, ","));
  if (("," + std::string(kContainers) + ",").find("," + name + ",") != std::string::npos) return Unreadable();
  return MakeError(errors::kMediaNotAVideo, "This is a file of the format '" + name +
                                                "', which is not taken; upload the video as MP4, MOV, MKV, WebM, "
                                                "MPEG-TS, MPEG-PS, AVI, FLV, Ogg, ASF or MXF.");
}

Status Input::CheckStreams() const {
  const SourceLimits& limits = ActiveSourceLimits();
  if (context_->nb_streams > static_cast<unsigned>(limits.max_streams)) {
    return MakeError(errors::kMediaTooLarge, "The file has " + std::to_string(context_->nb_streams) + " tracks; at most " +
                                                 std::to_string(limits.max_streams) + " are taken (VORA_MAX_SOURCE_STREAMS).");
  }
  for (unsigned i = 0; i < context_->nb_streams; ++i) {
    const AVStream& stream = *context_->streams[i];
    if (stream.codecpar->codec_type != AVMEDIA_TYPE_VIDEO || (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0) continue;
    VORA_RETURN_IF_ERROR(CheckPictureSize(stream.codecpar->width, stream.codecpar->height));
    const int64_t frames = std::max<int64_t>(stream.nb_frames, avformat_index_get_entries_count(&stream));
    if (frames <= limits.max_frames) continue;
    return MakeError(errors::kMediaTooLarge, "The file lists " + std::to_string(frames) + " pictures; at most " +
                                                 std::to_string(limits.max_frames) + " are taken (VORA_MAX_SOURCE_FRAMES).");
  }
  return {};
}

Status CheckPictureSize(int64_t width, int64_t height) {
  const std::string size = "The picture is " + std::to_string(width) + "x" + std::to_string(height);
  if (width > kMaxSide || height > kMaxSide) {
    return MakeError(errors::kMediaTooLarge, size + "; at most " + std::to_string(kMaxSide) + " pixels a side are taken.");
  }
  const int64_t limit = ActiveSourceLimits().max_pixels;
  if (width * height <= limit) return {};
  return MakeError(errors::kMediaTooLarge, size + "; at most " + std::to_string(limit) + " pixels are taken (VORA_MAX_SOURCE_PIXELS).");
}

bool IsEncrypted(const AVStream& stream) {
  const uint32_t tag = stream.codecpar->codec_tag;
  return tag == MKTAG('e', 'n', 'c', 'v') || tag == MKTAG('e', 'n', 'c', 'a') || tag == MKTAG('d', 'r', 'm', 's') ||
         av_dict_get(stream.metadata, "enc_key_id", nullptr, 0) != nullptr;
}

bool IsEncrypted(const AVPacket& packet) { return av_packet_get_side_data(&packet, AV_PKT_DATA_ENCRYPTION_INFO, nullptr) != nullptr; }

int Input::RefuseOpen(AVFormatContext* context, AVIOContext** io, const char*, int, AVDictionary**) {
  *io = nullptr;
  static_cast<Input*>(context->opaque)->asked_for_a_file_ = true;
  return AVERROR(EACCES);
}

Input::~Input() {
  avformat_close_input(&context_);
  // Not the buffer that DoOpen made: FFmpeg may have put another in its place.
  if (io_ != nullptr) av_freep(&io_->buffer);
  avio_context_free(&io_);
}

void Input::KeepOnly(const std::vector<int>& streams) {
  for (unsigned i = 0; i < context_->nb_streams; ++i) {
    const bool kept = std::find(streams.begin(), streams.end(), static_cast<int>(i)) != streams.end();
    context_->streams[i]->discard = kept ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

StatusOr<bool> Input::Read(AVPacket* packet) {
  for (int bad = 0; bad < kBadPacketsInARow; ++bad) {
    const int result = av_read_frame(context_, packet);
    if (!source_status_.ok()) return source_status_;
    if (result >= 0) return true;
    if (result == AVERROR(ENOMEM)) return AvStatus(result, "cannot read the source");
    if (result != AVERROR_INVALIDDATA && result != AVERROR(EAGAIN)) return false;
    // Demuxers report the cut end of a file as invalid data, again and again.
    if (io_->eof_reached != 0) return false;
  }
  return false;
}

int Input::ReadCallback(void* self, uint8_t* buffer, int size) {
  auto* input = static_cast<Input*>(self);
  // FFmpeg goes on after errors, and has no code for ours: the source is not asked again, and its own word is kept for the caller.
  if (!input->source_status_.ok()) return AVERROR_EXTERNAL;
  const StatusOr<size_t> got = input->source_.ReadAt(input->position_, reinterpret_cast<char*>(buffer), static_cast<size_t>(size));
  if (!got.ok()) {
    input->source_status_ = got.status();
    return AVERROR_EXTERNAL;
  }
  if (*got == 0) return AVERROR_EOF;
  input->position_ += static_cast<int64_t>(*got);
  input->bytes_read_ += static_cast<int64_t>(*got);
  return static_cast<int>(*got);
}

int64_t Input::SeekCallback(void* self, int64_t offset, int whence) {
  auto* input = static_cast<Input*>(self);
  switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
      return input->source_.size();
    case SEEK_SET:
      break;
    case SEEK_CUR:
      offset += input->position_;
      break;
    case SEEK_END:
      offset += input->source_.size();
      break;
    default:
      return AVERROR(EINVAL);
  }
  if (offset < 0) return AVERROR(EINVAL);
  input->position_ = offset;
  return offset;
}

}  // namespace vora::media
