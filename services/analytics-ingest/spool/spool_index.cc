#include "services/analytics-ingest/spool/spool_index.h"

#include <iterator>
#include <utility>

#include "libs/log/log.h"

namespace vora::analytics {
namespace {

bool IsSealed(const SegmentName& name) { return name.state == SegmentState::kSealed || name.state == SegmentState::kDoubt; }

}  // namespace

Status SegmentIndex::Load() {
  const std::lock_guard lock(mutex_);
  totals_ = {};
  VORA_RETURN_IF_ERROR(directory_.ForEach([&](const std::string& text) {
    const auto name = ParseName(text);
    if (!name) return;
    directory_.NoteFile(name->number);
    if (!IsSealed(*name)) return;
    ++totals_.segments;
    totals_.rows += name->rows;
    totals_.bytes += name->bytes;
  }));
  return Refill();
}

Status SegmentIndex::Refill() {
  more_on_disk_ = false;
  return directory_.ForEach([&](const std::string& text) {
    const auto name = ParseName(text);
    if (!name || !IsSealed(*name) || taken_.contains(name->number)) return;
    waiting_[name->number] = *name;
    // The newest goes out again: the next look finds it when the older ones are used up.
    if (waiting_.size() > max_waiting_) {
      waiting_.erase(std::prev(waiting_.end()));
      more_on_disk_ = true;
    }
  });
}

void SegmentIndex::Add(const SegmentName& segment) {
  const std::lock_guard lock(mutex_);
  ++totals_.segments;
  totals_.rows += segment.rows;
  totals_.bytes += segment.bytes;
  // Others on the disk are older than this one and not in memory: were it kept, it would be claimed before them.
  if (more_on_disk_ || waiting_.size() >= max_waiting_) {
    more_on_disk_ = true;
  } else {
    waiting_[segment.number] = segment;
  }
  changed_.notify_all();
}

std::optional<SegmentName> SegmentIndex::Claim(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [&] { return !waiting_.empty() || more_on_disk_; });
  if (waiting_.empty() && more_on_disk_) {
    if (const Status status = Refill(); !status.ok()) {
      more_on_disk_ = true;
      log::Error("the spool cannot be listed", {{"reason", Message(status)}});
      // Else the caller would ask again at once, as long as the disk fails.
      if (waiting_.empty()) changed_.wait_for(lock, wait);
    }
  }
  if (waiting_.empty()) return std::nullopt;
  auto node = waiting_.extract(waiting_.begin());
  const SegmentName name = node.mapped();
  taken_.insert(std::move(node));
  return name;
}

std::optional<SegmentName> SegmentIndex::Taken(uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = taken_.find(number);
  return found == taken_.end() ? std::nullopt : std::optional(found->second);
}

Status SegmentIndex::MarkInDoubt(uint64_t number) {
  const auto name = Taken(number);
  if (!name) return NotFound("spool segment " + std::to_string(number) + " is not taken");
  if (name->state != SegmentState::kDoubt) {
    SegmentName doubt = *name;
    doubt.state = SegmentState::kDoubt;
    VORA_RETURN_IF_ERROR(directory_.Rename(FormatName(*name), FormatName(doubt)));
    const std::lock_guard lock(mutex_);
    taken_[number] = doubt;
  }
  // Also when it has that name already: the sync may have failed the time before.
  return directory_.Sync();
}

Status SegmentIndex::Release(uint64_t number) {
  const auto name = Taken(number);
  if (!name) return NotFound("spool segment " + std::to_string(number) + " is not taken");
  // The folder is not synced: should the file come back after a power cut, it is in doubt, and its batch is found in ClickHouse.
  VORA_RETURN_IF_ERROR(directory_.Remove(FormatName(*name)));
  Forget(number);
  return {};
}

void SegmentIndex::Nack(uint64_t number) {
  const std::lock_guard lock(mutex_);
  if (auto node = taken_.extract(number)) waiting_.insert(std::move(node));
  changed_.notify_all();
}

void SegmentIndex::Forget(uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto node = taken_.extract(number);
  if (!node) return;
  --totals_.segments;
  totals_.rows -= node.mapped().rows;
  totals_.bytes -= node.mapped().bytes;
}

StatusOr<SegmentName> SegmentIndex::DropOldest(std::optional<uint64_t> number) {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty() && more_on_disk_) VORA_RETURN_IF_ERROR(Refill());
  // It may have been claimed since the caller looked at it.
  if (waiting_.empty() || (number && waiting_.begin()->first != *number)) return NotFound("no such segment waits");
  const SegmentName name = waiting_.begin()->second;
  VORA_RETURN_IF_ERROR(directory_.Remove(FormatName(name)));
  waiting_.erase(waiting_.begin());
  --totals_.segments;
  totals_.rows -= name.rows;
  totals_.bytes -= name.bytes;
  return name;
}

std::optional<SegmentName> SegmentIndex::Oldest() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty() && more_on_disk_) (void)Refill();
  return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->second);
}

SpoolTotals SegmentIndex::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

bool SegmentIndex::WaitingMoreThan(size_t count) const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() > count;
}

}  // namespace vora::analytics
