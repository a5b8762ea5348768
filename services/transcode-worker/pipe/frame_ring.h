#pragma once

// Frames from the decoder child to one encoder child through shared memory (a memfd that the worker makes and hands to both), without
// copies. One producer, one consumer; the worker only watches and can close it. Counters wake by futex.

#include <atomic>
#include <cstdint>
#include <memory>

#include "libs/core/status.h"
#include "libs/media/base/frame_layout.h"

namespace vora::transcode {

class FrameRing {
 public:
  // As many frames as fit in about 48 MiB, 4 to 32: worker and children reckon alike.
  static uint32_t Slots(const media::FrameLayout& layout);
  // The worker's side: makes the memory, maps only the counters. Sealed, so that no child can shrink it under the others.
  static StatusOr<std::unique_ptr<FrameRing>> Create(const media::FrameLayout& layout);
  // A child's side.
  static StatusOr<std::unique_ptr<FrameRing>> Map(int fd, const media::FrameLayout& layout);
  ~FrameRing();
  FrameRing(const FrameRing&) = delete;
  FrameRing& operator=(const FrameRing&) = delete;

  int fd() const { return fd_; }
  // Producer: the colour of what follows; once, before the first frame.
  void SetColor(const media::VideoColor& color);
  media::VideoColor color() const;
  // Producer: the next free slot; waits. nullptr when closed.
  uint8_t* Acquire();
  void Commit();
  // Consumer: the oldest frame not taken yet; waits. nullptr when closed.
  const uint8_t* Take();
  // Consumer: gives the oldest taken frame back.
  void Release();
  // Any side: nobody waits any more.
  void Close();
  bool closed() const;
  uint32_t written() const;
  uint32_t read() const;

 private:
  struct Header;
  FrameRing(int fd, void* memory, size_t mapped, const media::FrameLayout& layout);
  uint8_t* Slot(uint32_t number) const;
  int fd_;
  void* memory_;
  size_t mapped_;
  Header* header_;
  size_t slot_bytes_;
  uint32_t slots_;
  uint32_t taken_ = 0;
};

}  // namespace vora::transcode
