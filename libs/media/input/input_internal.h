#pragma once

// A demuxer over a ByteSource. It opens nothing else: no protocols, and only self-contained containers (no playlists, concat scripts,
// session descriptions or image sequences).

#include <memory>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/media/base/av_internal.h"
#include "libs/media/base/byte_source.h"

namespace vora::media {

// media.too_large beyond kMaxSide or the active limit.
Status CheckPictureSize(int64_t width, int64_t height);

// It cannot be read without a key. Some containers say so of the stream, some of each packet.
bool IsEncrypted(const AVStream& stream);
bool IsEncrypted(const AVPacket& packet);

class Input {
 public:
  // `source` must outlive the input. Media faults: media.empty, media.truncated, media.unreadable, media.not_a_video,
  // media.external_reference, media.too_large (ActiveSourceLimits). A fault of the source is returned as it is.
  static StatusOr<std::unique_ptr<Input>> Open(ByteSource& source);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  AVFormatContext* context() { return context_; }
  AVStream* stream(int index) { return context_->streams[index]; }
  // Packets of other streams are skipped, where the container allows it without reading them.
  void KeepOnly(const std::vector<int>& streams);
  void KeepOnly(int stream) { KeepOnly(std::vector<int>{stream}); }
  // The next packet: true; false at the end of the file (a damaged tail counts as the end). Fails only when the source does.
  StatusOr<bool> Read(AVPacket* packet);
  // From the source, so far.
  int64_t bytes_read() const { return bytes_read_; }
  // What the source answered, when it failed.
  const Status& source_status() const { return source_status_; }

 private:
  explicit Input(ByteSource& source) : source_(source) {}
  Status DoOpen();
  Status WhyNotOpened();
  Status CheckStreams() const;
  // FFmpeg's way to open further files; refuses, and remembers.
  static int RefuseOpen(AVFormatContext* context, AVIOContext** io, const char* url, int flags, AVDictionary** options);
  static int ReadCallback(void* self, uint8_t* buffer, int size);
  static int64_t SeekCallback(void* self, int64_t offset, int whence);

  ByteSource& source_;
  int64_t position_ = 0;
  int64_t bytes_read_ = 0;
  Status source_status_;
  bool asked_for_a_file_ = false;
  AVIOContext* io_ = nullptr;
  AVFormatContext* context_ = nullptr;
};

}  // namespace vora::media
