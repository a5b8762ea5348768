#pragma once

// A demuxer over a ByteSource. It opens nothing else: no protocols, and only self-contained containers (no playlists, concat scripts,
// session descriptions or image sequences).

#include <memory>
#include <string>

#include "libs/core/status.h"
#include "libs/media/av_internal.h"
#include "libs/media/byte_source.h"

namespace vora::media {

class Input {
 public:
  // `source` must outlive the input. Media faults: media.empty, media.truncated, media.unreadable. A fault of the source is returned as it
  // is.
  static StatusOr<std::unique_ptr<Input>> Open(ByteSource& source);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  AVFormatContext* context() { return context_; }
  AVStream* stream(int index) { return context_->streams[index]; }
  // Packets of other streams are skipped, where the container allows it without reading them.
  void KeepOnly(int stream_index);
  // The next packet: true; false at the end of the file (a damaged tail counts as the end). Fails only when the source does.
  StatusOr<bool> Read(AVPacket* packet);
  // What the source answered, when it failed.
  const Status& source_status() const { return source_status_; }

 private:
  explicit Input(ByteSource& source) : source_(source) {}
  Status DoOpen();
  static int ReadCallback(void* self, uint8_t* buffer, int size);
  static int64_t SeekCallback(void* self, int64_t offset, int whence);

  ByteSource& source_;
  int64_t position_ = 0;
  Status source_status_;
  AVIOContext* io_ = nullptr;
  AVFormatContext* context_ = nullptr;
};

}  // namespace vora::media
