#pragma once

// The worker's side of reading a source: ranges of one object, in blocks, with a small cache and read-ahead. Transient faults of the store
// are waited out.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "libs/core/lru_map.h"
#include "libs/core/status.h"
#include "libs/storage/base/object_store.h"

namespace vora::transcode {

struct SourceReaderOptions {
  int64_t block_bytes = 1 << 20;
  size_t cached_blocks = 24;
  int read_ahead_blocks = 2;
  std::chrono::milliseconds patience{45000};  // how long a store may be away
  std::string etag = {};                      // the version that is read; empty: whichever there is
};

class SourceReader {
 public:
  // Asks for the object's size. NOT_FOUND. The kind `import.changed`, also of a read: it is no longer the version that was asked for.
  // `stopped` ends waiting for the store.
  static StatusOr<std::unique_ptr<SourceReader>> Open(storage::ObjectStore& store, const std::string& key, std::function<bool()> stopped,
                                                      SourceReaderOptions options = {});
  ~SourceReader();
  int64_t size() const { return size_; }
  // Up to `length` bytes from `offset`; empty beyond the end.
  StatusOr<std::string> Read(int64_t offset, int64_t length);
  // True while a caller waits for the store.
  bool waiting() const { return waiting_ > 0; }

 private:
  using Block = std::shared_ptr<const std::string>;
  SourceReader(storage::ObjectStore& store, std::string key, int64_t size, std::function<bool()> stopped, SourceReaderOptions options);
  StatusOr<Block> Get(int64_t number);
  StatusOr<Block> Fetch(int64_t number);
  void Keep(int64_t number, Block block);
  void ReadAhead();

  storage::ObjectStore& store_;
  const std::string key_;
  const int64_t size_;
  const std::function<bool()> stopped_;
  const SourceReaderOptions options_;
  std::atomic<int> waiting_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  LruMap<int64_t, Block> cache_;
  std::deque<int64_t> wanted_;  // to read ahead
  int64_t fetching_ = -1;       // by the read-ahead thread
  int64_t last_block_ = -2;
  bool stopping_ = false;
  std::thread ahead_;
};

// Repeats `op` while its status is transient, for at most `patience`, with growing pauses; `stopped` ends it.
Status WaitOutFaults(std::chrono::milliseconds patience, const std::function<bool()>& stopped, const std::function<Status()>& op);

}  // namespace vora::transcode
