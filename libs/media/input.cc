#include <cstdio>
#include <cstring>

#include "libs/media/input_internal.h"
#include "libs/media/media_error.h"

namespace vora::media {
namespace {

constexpr int kIoBuffer = 128 << 10;
constexpr char kContainers[] = "mov,matroska,webm,mpegts,mpeg,avi,flv,ogg,wav,mp3,aac,flac,asf,mxf";
constexpr int kBadPacketsInARow = 200;

bool LooksLikeMp4(ByteSource& source) {
  char head[12] = {};
  const StatusOr<size_t> got = source.ReadAt(0, head, sizeof head);
  return got.ok() && *got == sizeof head && std::memcmp(head + 4, "ftyp", 4) == 0;
}

Status Unreadable() { return MediaError(kUnreadable, "This is not a video file that can be read: no known container was found in it."); }

}  // namespace

StatusOr<std::unique_ptr<Input>> Input::Open(ByteSource& source) {
  if (source.size() == 0) return MediaError(kEmpty, "The file is empty.");
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
  av_opt_set(context_, "format_whitelist", kContainers, 0);
  av_opt_set(context_, "protocol_whitelist", "none", 0);
  const int opened = avformat_open_input(&context_, nullptr, nullptr, nullptr);
  if (!source_status_.ok()) return source_status_;
  if (opened == AVERROR(ENOMEM)) return AvStatus(opened, "cannot open the source");
  if (opened < 0) {
    if (LooksLikeMp4(source_)) {
      return MediaError(kTruncated, "The file is cut off: it begins as an MP4 file but its index (moov) is missing or broken.");
    }
    return Unreadable();
  }
  // Text is sometimes taken for a raw stream, with a low score.
  if (context_->probe_score < AVPROBE_SCORE_RETRY) return Unreadable();
  const int found = avformat_find_stream_info(context_, nullptr);
  if (!source_status_.ok()) return source_status_;
  if (found == AVERROR(ENOMEM)) return AvStatus(found, "cannot read the source");
  if (found < 0 || context_->nb_streams == 0) return Unreadable();
  return {};
}

Input::~Input() {
  avformat_close_input(&context_);
  if (io_ != nullptr) av_freep(&io_->buffer);
  avio_context_free(&io_);
}

void Input::KeepOnly(int stream_index) {
  for (unsigned i = 0; i < context_->nb_streams; ++i) {
    context_->streams[i]->discard = static_cast<int>(i) == stream_index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

StatusOr<bool> Input::Read(AVPacket* packet) {
  for (int bad = 0; bad < kBadPacketsInARow; ++bad) {
    const int result = av_read_frame(context_, packet);
    if (!source_status_.ok()) return source_status_;
    if (result >= 0) return true;
    if (result == AVERROR(ENOMEM)) return AvStatus(result, "cannot read the source");
    if (result != AVERROR_INVALIDDATA && result != AVERROR(EAGAIN)) return false;
    if (io_->eof_reached != 0) return false;
  }
  return false;
}

int Input::ReadCallback(void* self, uint8_t* buffer, int size) {
  auto* input = static_cast<Input*>(self);
  if (!input->source_status_.ok()) return AVERROR_EXTERNAL;
  const StatusOr<size_t> got = input->source_.ReadAt(input->position_, reinterpret_cast<char*>(buffer), static_cast<size_t>(size));
  if (!got.ok()) {
    input->source_status_ = got.status();
    return AVERROR_EXTERNAL;
  }
  if (*got == 0) return AVERROR_EOF;
  input->position_ += static_cast<int64_t>(*got);
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
