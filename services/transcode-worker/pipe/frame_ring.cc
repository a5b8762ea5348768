#include "services/transcode-worker/pipe/frame_ring.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <new>

namespace vora::transcode {
namespace {

constexpr size_t kHeaderBytes = 4096;
constexpr size_t kTargetBytes = 48U << 20;

// Wakes up at times by itself, so that a killed peer is never waited for without looking at `closed`.
void Wait(std::atomic<uint32_t>* word, uint32_t seen) {
  const timespec at_most = {0, 200'000'000};
  // Not the private kind of futex: whoever waits is in another process.
  syscall(SYS_futex, word, FUTEX_WAIT, seen, &at_most, nullptr, 0);
}

void Wake(std::atomic<uint32_t>* word) { syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

size_t SlotBytes(const media::FrameLayout& layout) { return (layout.bytes + 4095) / 4096 * 4096; }

}  // namespace

struct FrameRing::Header {
  std::atomic<uint32_t> written;
  std::atomic<uint32_t> read;
  std::atomic<uint32_t> closed;
  std::atomic<int32_t> color[3];
};

uint32_t FrameRing::Slots(const media::FrameLayout& layout) {
  return static_cast<uint32_t>(std::clamp<size_t>(kTargetBytes / SlotBytes(layout), 4, 32));
}

FrameRing::FrameRing(int fd, void* memory, size_t mapped, const media::FrameLayout& layout)
    : fd_(fd),
      memory_(memory),
      mapped_(mapped),
      header_(static_cast<Header*>(memory)),
      slot_bytes_(SlotBytes(layout)),
      slots_(Slots(layout)) {}

FrameRing::~FrameRing() {
  munmap(memory_, mapped_);
  close(fd_);
}

StatusOr<std::unique_ptr<FrameRing>> FrameRing::Create(const media::FrameLayout& layout) {
  const int fd = memfd_create("vora-frames", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return ResourceExhausted(std::string("memfd_create: ") + std::strerror(errno));
  const size_t size = kHeaderBytes + Slots(layout) * SlotBytes(layout);
  void* memory = MAP_FAILED;
  // Sized before it is sealed: a child that could shrink it would end the others with SIGBUS.
  if (ftruncate(fd, static_cast<off_t>(size)) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
    memory = mmap(nullptr, kHeaderBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (memory == MAP_FAILED) {
    const Status status = ResourceExhausted(std::string("cannot set up shared frames: ") + std::strerror(errno));
    close(fd);
    return status;
  }
  new (memory) Header{};
  return std::unique_ptr<FrameRing>(new FrameRing(fd, memory, kHeaderBytes, layout));
}

StatusOr<std::unique_ptr<FrameRing>> FrameRing::Map(int fd, const media::FrameLayout& layout) {
  const size_t size = kHeaderBytes + Slots(layout) * SlotBytes(layout);
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return ResourceExhausted(std::string("cannot map shared frames: ") + std::strerror(errno));
  return std::unique_ptr<FrameRing>(new FrameRing(fd, memory, size, layout));
}

uint8_t* FrameRing::Slot(uint32_t number) const { return static_cast<uint8_t*>(memory_) + kHeaderBytes + (number % slots_) * slot_bytes_; }

void FrameRing::SetColor(const media::VideoColor& color) {
  header_->color[0] = color.primaries;
  header_->color[1] = color.transfer;
  header_->color[2] = color.matrix;
}

media::VideoColor FrameRing::color() const { return {header_->color[0], header_->color[1], header_->color[2]}; }

uint8_t* FrameRing::Acquire() {
  for (;;) {
    if (closed()) return nullptr;
    // Acquire, so that the consumer has read the slot before it is written again; `written` is only ever changed by this side.
    const uint32_t read = header_->read.load(std::memory_order_acquire);
    const uint32_t written = header_->written.load(std::memory_order_relaxed);
    // The difference is right also when the counters have wrapped.
    if (written - read < slots_) return Slot(written);
    Wait(&header_->read, read);
  }
}

void FrameRing::Commit() {
  // Release, so that whoever sees the number sees the frame.
  header_->written.fetch_add(1, std::memory_order_release);
  Wake(&header_->written);
}

const uint8_t* FrameRing::Take() {
  for (;;) {
    const uint32_t written = header_->written.load(std::memory_order_acquire);
    if (written != taken_) return Slot(taken_++);
    // Only when no frame is left: what was committed before the close is still encoded.
    if (closed()) return nullptr;
    Wait(&header_->written, written);
  }
}

void FrameRing::Release() {
  header_->read.fetch_add(1, std::memory_order_release);
  Wake(&header_->read);
}

void FrameRing::Close() {
  header_->closed = 1;
  Wake(&header_->read);
  Wake(&header_->written);
}

bool FrameRing::closed() const { return header_->closed != 0; }
uint32_t FrameRing::written() const { return header_->written; }
uint32_t FrameRing::read() const { return header_->read; }

}  // namespace vora::transcode
