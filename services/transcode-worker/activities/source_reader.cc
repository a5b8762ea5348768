#include "services/transcode-worker/activities/source_reader.h"

#include <algorithm>

#include "libs/core/error.h"
#include "libs/run/retry.h"

namespace vora::transcode {
namespace {

constexpr std::chrono::milliseconds kPauseSlice{50};

Status Changed() {
  return MakeError(errors::kImportChanged,
                   "the file changed while it was encoded from where it lies; import it again once it stays as it is");
}

Status CheckVersion(const storage::ObjectInfo& info, const SourceReaderOptions& options) {
  return options.etag.empty() || options.etag == info.etag ? absl::OkStatus() : Changed();
}

// What a store says of a version that is not there any more: it became another while it was read, or is too short.
Status OfVersion(const Status& status, const SourceReaderOptions& options) {
  const bool gone = status.code() == StatusCode::kAborted || status.code() == StatusCode::kOutOfRange;
  return gone && !options.etag.empty() ? Changed() : status;
}

}  // namespace

Status WaitOutFaults(std::chrono::milliseconds patience, const std::function<bool()>& stopped, const std::function<Status()>& op) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point give_up = Clock::now() + patience;
  const RetryOptions backoff = {
      .max_attempts = 0, .initial = std::chrono::milliseconds(100), .max = std::chrono::milliseconds(2000), .multiplier = 2.0};
  for (int attempt = 1;; ++attempt) {
    Status status = op();
    // What is not transient, like a source that is not there, must not be waited for.
    if (status.ok() || !IsTransient(status)) return status;
    const Clock::time_point next = Clock::now() + BackoffDelay(backoff, std::min(attempt, 10), status);
    // A pause that ends after the patience is not begun.
    if (next >= give_up) return status;
    while (Clock::now() < next) {
      if (stopped && stopped()) return status;
      std::this_thread::sleep_for(kPauseSlice);
    }
  }
}

StatusOr<std::unique_ptr<SourceReader>> SourceReader::Open(storage::ObjectStore& store, const std::string& key,
                                                           std::function<bool()> stopped, SourceReaderOptions options) {
  int64_t size = 0;
  VORA_RETURN_IF_ERROR(WaitOutFaults(options.patience, stopped, [&]() -> Status {
    VORA_ASSIGN_OR_RETURN(const storage::ObjectInfo info, store.Head(key));
    size = info.size;
    return CheckVersion(info, options);
  }));
  return std::unique_ptr<SourceReader>(new SourceReader(store, key, size, std::move(stopped), options));
}

SourceReader::SourceReader(storage::ObjectStore& store, std::string key, int64_t size, std::function<bool()> stopped,
                           SourceReaderOptions options)
    : store_(store), key_(std::move(key)), size_(size), stopped_(std::move(stopped)), options_(options), ahead_([this] { ReadAhead(); }) {}

SourceReader::~SourceReader() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  ahead_.join();
}

StatusOr<std::string> SourceReader::Read(int64_t offset, int64_t length) {
  std::string out;
  length = std::min(length, size_ - offset);
  while (length > 0) {
    const int64_t number = offset / options_.block_bytes;
    ++waiting_;
    const StatusOr<Block> block = Get(number);
    --waiting_;
    VORA_RETURN_IF_ERROR(block.status());
    const int64_t inside = offset - number * options_.block_bytes;
    const int64_t take = std::min(length, static_cast<int64_t>((*block)->size()) - inside);
    if (take <= 0) break;
    out.append(**block, static_cast<size_t>(inside), static_cast<size_t>(take));
    offset += take;
    length -= take;
  }
  return out;
}

StatusOr<SourceReader::Block> SourceReader::Get(int64_t number) {
  {
    std::unique_lock lock(mutex_);
    // Reading ahead pays while blocks are asked for in order; after a jump, what was wanted before is of no use.
    if (number == last_block_ + 1 || number == last_block_) {
      for (int64_t next = number + 1; next <= number + options_.read_ahead_blocks; ++next) {
        if (next * options_.block_bytes < size_ && cache_.Peek(next) == nullptr && next != fetching_ &&
            std::find(wanted_.begin(), wanted_.end(), next) == wanted_.end()) {
          wanted_.push_back(next);
        }
      }
      changed_.notify_all();
    } else {
      wanted_.clear();
    }
    last_block_ = number;
    // Waited for instead of fetched a second time. The read-ahead tries once, so this takes no longer than one request.
    changed_.wait(lock, [&] { return fetching_ != number; });
    if (const Block* known = cache_.Use(number)) return *known;
    std::erase(wanted_, number);
  }
  // Without the lock: the read-ahead goes on meanwhile.
  Block block;
  VORA_RETURN_IF_ERROR(WaitOutFaults(options_.patience, stopped_, [&]() -> Status {
    VORA_ASSIGN_OR_RETURN(block, Fetch(number));
    return {};
  }));
  std::lock_guard lock(mutex_);
  Keep(number, block);
  return block;
}

StatusOr<SourceReader::Block> SourceReader::Fetch(int64_t number) {
  const int64_t offset = number * options_.block_bytes;
  const int64_t length = std::min(options_.block_bytes, size_ - offset);
  const auto reader = store_.Open(key_, offset, length);
  if (!reader.ok()) return OfVersion(reader.status(), options_);
  VORA_RETURN_IF_ERROR(CheckVersion((*reader)->info(), options_));
  auto bytes = std::make_shared<std::string>(static_cast<size_t>(length), '\0');
  size_t have = 0;
  while (have < bytes->size()) {
    const StatusOr<size_t> got = (*reader)->Read(bytes->data() + have, bytes->size() - have);
    if (!got.ok()) return OfVersion(got.status(), options_);
    // Transient, so that the block is asked for again.
    if (*got == 0) return Unavailable("the store ended a range early");
    have += *got;
  }
  return Block(std::move(bytes));
}

void SourceReader::Keep(int64_t number, Block block) {
  (void)cache_.Take(number);
  cache_.Insert(number, std::move(block));
  while (cache_.size() > options_.cached_blocks) (void)cache_.TakeOldest();
}

void SourceReader::ReadAhead() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !wanted_.empty(); });
    if (stopping_) return;
    fetching_ = wanted_.front();
    wanted_.pop_front();
    lock.unlock();
    // One try: whoever needs the block waits out faults.
    StatusOr<Block> block = Fetch(fetching_);
    lock.lock();
    if (block.ok()) Keep(fetching_, std::move(*block));
    fetching_ = -1;
    changed_.notify_all();
  }
}

}  // namespace vora::transcode
