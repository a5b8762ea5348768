#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "libs/log/log.h"
#include "services/analytics-ingest/spool/spool_disk.h"
#include "services/analytics-ingest/spool/spool_reader.h"

namespace vora::analytics {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

// While ClickHouse is behind by this many segments, age does not seal: rows gather in few large inserts instead of many small ones.
constexpr size_t kBacklogSegments = 8;
// Segments that wait to be closed. More, and the disk is slow or in trouble.
constexpr size_t kMaxUnsealed = 8;
constexpr milliseconds kProbeInterval{250};
constexpr milliseconds kLimitsInterval{1000};
constexpr milliseconds kDropLogInterval{10'000};
constexpr char kProbeFile[] = "probe.tmp";
constexpr size_t kProbeBytes = 64 << 10;

double SecondsSince(Steady::time_point begin) { return std::chrono::duration<double>(Steady::now() - begin).count(); }

}  // namespace

void DiskSpool::Run() {
  std::vector<Pending> group;
  for (;;) {
    uint64_t seals = 0;
    bool stop = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, NextDeadline(), [&] { return !pending_.empty() || stop_ || sync_news_ || seals_wanted_ != seals_done_; });
      sync_news_ = false;
      group.clear();
      group.swap(pending_);
      // What is asked for after this is for the next round: its rows may still be pending.
      seals = seals_wanted_;
      stop = stop_;
    }
    if (!group.empty()) Commit(group);
    Housekeep();
    if (seals != seals_done_ || stop) SealOpen();
    PublishGauges();
    const std::lock_guard lock(mutex_);
    // Only now: what is being written takes memory like what waits.
    for (const Pending& written : group) pending_bytes_ -= static_cast<int64_t>(written.batch.bytes());
    if (seals != seals_done_) {
      seals_done_ = seals;
      handed_over_.notify_all();
    }
    if (stop && pending_.empty()) break;
  }
}

void DiskSpool::Commit(std::vector<Pending>& group) {
  // Around midnight both days come mixed: one segment each, not one per change.
  std::stable_sort(group.begin(), group.end(), [](const Pending& a, const Pending& b) { return a.batch.day() < b.batch.day(); });
  for (size_t begin = 0; begin < group.size();) {
    const auto end = CommitRun(group, begin);
    SetHealth(end.status());
    if (!end.ok()) {
      for (; begin < group.size(); ++begin) group[begin].done(Unavailable(Message(end.status())));
      return;
    }
    begin = *end;
  }
}

StatusOr<size_t> DiskSpool::CommitRun(std::vector<Pending>& group, size_t begin) {
  VORA_RETURN_IF_ERROR(PrepareSegment(group[begin].batch.day()));
  parts_.clear();
  int64_t rows = 0, bytes = 0;
  size_t end = begin;
  for (; end < group.size(); ++end) {
    const RowBatch& batch = group[end].batch;
    // Batches are not divided, so the first one goes in however large it is.
    if (batch.day() != open_->day() ||
        (end > begin && (open_->rows() + rows >= options_.segment_rows || open_->bytes() + bytes >= options_.segment_bytes))) {
      break;
    }
    parts_.push_back({const_cast<char*>(batch.records().data()), batch.bytes()});
    rows += batch.rows();
    bytes += static_cast<int64_t>(batch.bytes());
  }
  Status status = open_->Write(parts_, rows);
  if (status.ok() && options_.fsync_interval.count() == 0) status = SyncOpen();
  if (!status.ok()) {
    if (open_->broken()) SealOpen();
    return status;
  }
  open_->Confirm();
  {
    const std::lock_guard lock(mutex_);
    unsealed_rows_ += rows;
  }
  appended_.Increment(static_cast<double>(rows));
  PublishGauges();  // before anybody is told: who reads the gauge after an answer finds the rows in it
  for (size_t i = begin; i < end; ++i) group[i].done({});
  return end;
}

Status DiskSpool::SyncOpen() {
  last_sync_ = Steady::now();
  const Status status = open_->Sync();
  sync_seconds_.Observe(SecondsSince(last_sync_));
  return status;
}

Status DiskSpool::PrepareSegment(int32_t day) {
  if (open_ && (open_->day() != day || Full())) SealOpen();
  if (open_) return {};
  if (sealer_->waiting() >= kMaxUnsealed) {
    VORA_RETURN_IF_ERROR(sealer_->Problem());
    // Only slow: the writer waits for it, and what is pending is bounded.
    sealer_->WaitUntilIdle();
    VORA_RETURN_IF_ERROR(sealer_->Problem());
  }
  VORA_ASSIGN_OR_RETURN(open_, OpenSegment::Create(*directory_, day, ToUnixMs(clock_.Now())));
  last_sync_ = Steady::now();
  return {};
}

bool DiskSpool::Full() const { return open_->rows() >= options_.segment_rows || open_->bytes() >= options_.segment_bytes; }

void DiskSpool::SealOpen() {
  if (open_) sealer_->Seal(std::move(open_));
}

void DiskSpool::SyncPeriodically(Steady::time_point now) {
  if (const auto outcome = sealer_->Synced()) {
    sync_runs_ = false;
    // The sealer syncs what it closes by itself.
    if (open_ && outcome->number == open_->number()) open_->SyncDone(outcome->bytes, outcome->status);
    if (!outcome->status.ok()) {
      SetHealth(outcome->status);
      if (open_ && open_->broken()) SealOpen();
    }
  }
  // One sync at a time; the next begins with what was written meanwhile.
  if (!open_ || sync_runs_ || open_->synced() || options_.fsync_interval.count() == 0 || now - last_sync_ < options_.fsync_interval) return;
  last_sync_ = now;
  auto job = open_->StartSync();
  if (!job.ok()) return SetHealth(job.status());
  sync_runs_ = true;
  sealer_->Sync(*std::move(job));
}

void DiskSpool::Housekeep() {
  const auto now = Steady::now();
  SyncPeriodically(now);
  if (open_ && open_->rows() > 0) {
    const bool old = now - open_->created() >= options_.segment_age;
    if (Full() || (old && !index_.WaitingMoreThan(kBacklogSegments))) SealOpen();
  }
  // At once when the size is exceeded, not only when its turn comes: a full disk comes sooner than a second.
  if (now - last_limits_ >= kLimitsInterval || index_.totals().bytes > options_.max_bytes) EnforceLimits();
  if (!healthy_ && now - last_probe_ >= kProbeInterval) Probe();
}

// Not older than it can be: a clock that leaps ahead while this runs makes nothing old.
int64_t DiskSpool::AgeOf(int64_t created_ms) const {
  const int64_t run = std::chrono::duration_cast<milliseconds>(Steady::now() - opened_).count();
  return std::min(ToUnixMs(clock_.Now()) - created_ms, std::max<int64_t>(0, opened_ms_ - created_ms) + run);
}

void DiskSpool::PublishAge() {
  const auto oldest = index_.Oldest();
  if (!oldest) return age_gauge_.Set(0);
  const auto file = directory_->OpenFile(FormatName(*oldest), O_RDONLY);
  if (!file.ok()) return;  // shipped meanwhile
  const auto header = ReadHeader(*file);
  if (header.ok()) age_gauge_.Set(static_cast<double>(std::max<int64_t>(0, AgeOf(header->created_ms))) / 1000);
}

void DiskSpool::PublishFreeDisk() {
  struct statvfs disk {};
  if (statvfs(directory_->path().c_str(), &disk) != 0) return;
  free_gauge_.Set(static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize));
}

void DiskSpool::EnforceLimits() {
  last_limits_ = Steady::now();
  PublishAge();
  PublishFreeDisk();
  // The open segment counts, though only sealed ones can be dropped.
  const int64_t open = open_ ? open_->bytes() : 0;
  while (index_.totals().bytes + open > options_.max_bytes) {
    const auto dropped = index_.DropOldest();
    if (!dropped.ok()) break;
    Drop("VORA_SPOOL_MAX_BYTES", dropped->rows, dropped_by_size_);
  }
  for (;;) {
    const auto oldest = index_.Oldest();
    if (!oldest) return;
    // Its name has no time, and the clock of the file system is not the spool's.
    const auto file = directory_->OpenFile(FormatName(*oldest), O_RDONLY);
    if (!file.ok()) return;
    const auto header = ReadHeader(*file);
    if (!header.ok() || AgeOf(header->created_ms) <= options_.max_age.count()) return;
    // By its number: the shipper may have taken it meanwhile.
    const auto dropped = index_.DropOldest(oldest->number);
    if (!dropped.ok()) return;
    Drop("VORA_SPOOL_MAX_AGE", dropped->rows, dropped_by_age_);
  }
}

void DiskSpool::Drop(const char* limit, int64_t rows, obs::Counter& counter) {
  counter.Increment(static_cast<double>(rows));
  drops_not_logged_ += rows;
  if (last_drop_log_ != Steady::time_point() && Steady::now() - last_drop_log_ < kDropLogInterval) return;
  log::Error("the spool is over its limit: the oldest events are dropped", {{"limit", limit}, {"rows", drops_not_logged_}});
  last_drop_log_ = Steady::now();
  drops_not_logged_ = 0;
}

void DiskSpool::Probe() {
  last_probe_ = Steady::now();
  // A disk that takes new files but does not let old ones be closed does not work yet.
  if (const Status problem = sealer_->Problem(); !problem.ok()) return SetHealth(problem);
  const auto file = directory_->OpenFile(kProbeFile, O_WRONLY | O_CREAT | O_TRUNC);
  Status status = file.status();
  if (file.ok()) status = WriteAll(file->get(), std::string(kProbeBytes, 'p'), 0);
  if (status.ok() && fdatasync(file->get()) != 0) status = ErrnoStatus("sync the spool");
  const Status removed = directory_->Remove(kProbeFile);
  SetHealth(status.ok() ? removed : status);
}

void DiskSpool::SetHealth(Status status) {
  if (status.ok() == healthy_ && healthy_) return;
  if (status.ok()) log::Info("the spool accepts events again");
  if (!status.ok() && healthy_) log::Error("the spool refuses events until the disk takes them again", {{"reason", Message(status)}});
  healthy_ = status.ok();
  healthy_gauge_.Set(healthy_ ? 1 : 0);
  const std::lock_guard lock(mutex_);
  health_ = healthy_ ? Status() : Unavailable(Message(status));
}

DiskSpool::Steady::time_point DiskSpool::NextDeadline() const {
  const auto now = Steady::now();
  auto deadline = now + kLimitsInterval;
  if (open_ && open_->rows() > 0) {
    const auto seal = open_->created() + options_.segment_age;
    // Past it: there is a backlog.
    deadline = std::min(deadline, seal > now ? seal : now + std::max(options_.segment_age / 4, milliseconds(10)));
  }
  if (open_ && !open_->synced() && !sync_runs_ && options_.fsync_interval.count() > 0)
    deadline = std::min(deadline, last_sync_ + options_.fsync_interval);
  if (!healthy_) deadline = std::min(deadline, last_probe_ + kProbeInterval);
  return deadline;
}

void DiskSpool::PublishGauges() {
  int64_t unsealed_rows = 0;
  {
    const std::lock_guard lock(mutex_);
    unsealed_rows = unsealed_rows_;
  }
  // After that: rows that are being sealed are counted twice for a moment, never not at all.
  const SpoolTotals totals = index_.totals();
  const int64_t open_rows = open_ ? open_->rows() : 0;
  rows_gauge_.Set(static_cast<double>(totals.rows + unsealed_rows));
  bytes_gauge_.Set(static_cast<double>(totals.bytes + (open_rows > 0 ? open_->bytes() : 0)));
  segments_gauge_.Set(static_cast<double>(totals.segments + (open_rows > 0 ? 1 : 0)));
}

}  // namespace vora::analytics
