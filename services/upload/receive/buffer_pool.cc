#include "services/upload/receive/buffer_pool.h"

#include <sys/mman.h>

#include <mutex>
#include <new>
#include <vector>

namespace vora::upload {

PartBuffer::PartBuffer(size_t capacity) : capacity_(capacity) {
  // mmap gives pages when they are touched, and munmap gives them back to the system at once.
  void* memory = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<char*>(memory);
}

PartBuffer::~PartBuffer() { munmap(data_, capacity_); }

struct BufferPool::Core {
  size_t buffer_bytes;
  size_t max_idle;
  std::mutex mutex;
  std::vector<std::unique_ptr<PartBuffer>> idle;
};

BufferPool::BufferPool(size_t buffer_bytes, size_t max_idle) : core_(std::make_shared<Core>()) {
  core_->buffer_bytes = buffer_bytes;
  core_->max_idle = max_idle;
}

std::shared_ptr<PartBuffer> BufferPool::Take() {
  std::unique_ptr<PartBuffer> buffer;
  {
    std::lock_guard lock(core_->mutex);
    if (!core_->idle.empty()) {
      buffer = std::move(core_->idle.back());
      core_->idle.pop_back();
    }
  }
  if (!buffer) buffer = std::make_unique<PartBuffer>(core_->buffer_bytes);
  buffer->filled = 0;
  buffer->hashed = 0;
  // It holds the core and not the pool: a buffer may outlive that.
  auto give_back = [core = core_](PartBuffer* used) {
    std::unique_ptr<PartBuffer> owned(used);
    std::lock_guard lock(core->mutex);
    if (core->idle.size() < core->max_idle) core->idle.push_back(std::move(owned));
  };
  return {buffer.release(), give_back};
}

size_t BufferPool::idle() const {
  std::lock_guard lock(core_->mutex);
  return core_->idle.size();
}

}  // namespace vora::upload
