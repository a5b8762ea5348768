#include "services/analytics-ingest/spool/spool.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "libs/log/log.h"
#include "services/analytics-ingest/metrics.h"
#include "services/analytics-ingest/spool/spool_disk.h"
#include "services/analytics-ingest/spool/spool_reader.h"
#include "services/analytics-ingest/spool/spool_recovery.h"

namespace vora::analytics {
namespace {

// The oldest segment is what a limit drops: it must be a small part of the whole.
SpoolOptions WithFittingSegments(SpoolOptions options) {
  constexpr int64_t kSmallest = 256 << 10;
  options.segment_bytes = std::min(options.segment_bytes, std::max(options.max_bytes / 8, kSmallest));
  return options;
}

}  // namespace

void SpoolOptions::Declare(SettingsSchema& schema) {
  schema.Add("VORA_SPOOL_DIR", &directory, "folder of the spool: accepted events wait here until they are in ClickHouse",
             {.required = true});
  schema.Add(
      "VORA_SPOOL_FSYNC_INTERVAL", &fsync_interval,
      "0: events are on the disk when they are answered, one fdatasync for all that wait. Longer: they are answered once written, and "
      "synced this often: a crash of the daemon loses nothing, a power cut up to this much",
      {.min = 0, .max = 60'000});
  schema.AddBytes("VORA_SPOOL_MAX_BYTES", &max_bytes, "beyond this the oldest events are dropped, and counted", {.min = int64_t{1} << 20});
  schema.Add("VORA_SPOOL_MAX_AGE", &max_age, "events that waited longer for ClickHouse are dropped, and counted", {.min = 60'000});
  schema.Add("VORA_BATCH_ROWS", &segment_rows, "rows of one insert", {.min = 1, .max = 1'000'000});
  schema.Add("VORA_BATCH_INTERVAL", &segment_age, "an insert with fewer rows begins when its first row is this old",
             {.min = 10, .max = 600'000});
}

Status Spool::Append(int32_t day, const std::vector<std::string>& rows, std::function<void(Status)> done) {
  RowBatch batch(day);
  for (const std::string& row : rows) batch.AddRow(row);
  return Append(std::move(batch), std::move(done));
}

StatusOr<std::unique_ptr<Spool>> Spool::Open(SpoolOptions options, const Clock& clock, obs::Metrics& metrics) {
  VORA_ASSIGN_OR_RETURN(auto directory, SpoolDirectory::Open(options.directory));
  auto spool = std::make_unique<DiskSpool>(std::move(options), clock, metrics, std::move(directory));
  VORA_RETURN_IF_ERROR(spool->Start());
  return std::unique_ptr<Spool>(std::move(spool));
}

DiskSpool::DiskSpool(SpoolOptions options, const Clock& clock, obs::Metrics& metrics, std::unique_ptr<SpoolDirectory> directory)
    : options_(WithFittingSegments(std::move(options))),
      clock_(clock),
      directory_(std::move(directory)),
      index_(*directory_),
      rows_gauge_(kSpoolRows.In(metrics)),
      bytes_gauge_(kSpoolBytes.In(metrics)),
      segments_gauge_(kSpoolSegments.In(metrics)),
      age_gauge_(kSpoolOldestAge.In(metrics)),
      free_gauge_(kSpoolFree.In(metrics)),
      healthy_gauge_(kSpoolHealthy.In(metrics)),
      appended_(kSpoolAppended.In(metrics)),
      dropped_by_size_(kSpoolDropped.In(metrics, {"size"})),
      dropped_by_age_(kSpoolDropped.In(metrics, {"age"})),
      damaged_(kSpoolDamaged.In(metrics)),
      sync_seconds_(kSpoolSync.In(metrics)) {
  kSpoolLimit.In(metrics).Set(static_cast<double>(options_.max_bytes));
  healthy_gauge_.Set(1);
}

Status DiskSpool::Start() {
  VORA_ASSIGN_OR_RETURN(const RecoveryReport report, RecoverSpool(*directory_));
  damaged_.Increment(static_cast<double>(report.quarantined));
  VORA_RETURN_IF_ERROR(index_.Load());
  const SpoolTotals totals = index_.totals();
  log::Info("the spool is open", {{"directory", options_.directory},
                                  {"segments", totals.segments},
                                  {"rows", totals.rows},
                                  {"recovered_rows", report.recovered_rows},
                                  {"torn_bytes", report.torn_bytes}});
  PublishGauges();
  sealer_ = std::make_unique<SegmentSealer>([this](const SegmentName& name) { OnSealed(name); },
                                            [this] {
                                              const std::lock_guard lock(mutex_);
                                              sync_news_ = true;
                                              wake_.notify_one();
                                            },
                                            sync_seconds_);
  thread_ = std::thread([this] { Run(); });
  return {};
}

DiskSpool::~DiskSpool() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  // The writer first: it hands its last segment to the sealer.
  thread_.join();
  sealer_.reset();
}

void DiskSpool::OnSealed(const SegmentName& name) {
  if (name.rows == 0) return;
  // In the index first: rows may be counted twice for a moment, but Empty must never miss them.
  index_.Add(name);
  const std::lock_guard lock(mutex_);
  unsealed_rows_ -= name.rows;
}

Status DiskSpool::Append(RowBatch batch, std::function<void(Status)> done) {
  const int64_t bytes = static_cast<int64_t>(batch.bytes());
  if (batch.empty() || !batch.valid()) {
    return InvalidArgument("a batch has at least one row, and a row has 1 to " + std::to_string(kMaxRowBytes) + " bytes");
  }
  if (bytes > options_.max_pending_bytes) {
    return InvalidArgument("a batch of " + std::to_string(bytes) + " bytes: the limit is " + std::to_string(options_.max_pending_bytes));
  }
  {
    const std::lock_guard lock(mutex_);
    if (pending_bytes_ + bytes > options_.max_pending_bytes) return ResourceExhausted("too much waits to be written to the spool");
    pending_bytes_ += bytes;
    pending_.push_back({std::move(batch), std::move(done)});
    // The first one wakes the writer; it takes all that came until then.
    if (pending_.size() > 1) return {};
  }
  wake_.notify_one();
  return {};
}

// Nothing, and why, when the file cannot be what its name says.
std::optional<SealedSegment> DiskSpool::Describe(const SegmentName& name, Status* problem) {
  const auto file = directory_->OpenFile(FormatName(name), O_RDONLY);
  if (!file.ok()) {
    *problem = file.status();
    return std::nullopt;
  }
  const auto header = ReadHeader(*file);
  if (!header.ok() || header->number != name.number || header->day != name.day) {
    *problem = header.ok() ? DataLoss("the header is another segment's") : header.status();
    return std::nullopt;
  }
  return SealedSegment{.number = name.number,
                       .batch = header->batch,
                       .day = name.day,
                       .rows = name.rows,
                       .bytes = name.bytes,
                       .in_doubt = name.state == SegmentState::kDoubt};
}

std::optional<SealedSegment> DiskSpool::Claim(std::chrono::milliseconds wait) {
  const auto deadline = Steady::now() + wait;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now());
    const auto name = index_.Claim(std::max(left, std::chrono::milliseconds(0)));
    if (!name) return std::nullopt;
    Status problem;
    if (auto segment = Describe(*name, &problem)) return segment;
    // What the disk lost is set aside or forgotten, and the next one is tried; a file that cannot be opened now may be later.
    if (problem.code() == StatusCode::kDataLoss) {
      problem = QuarantineTaken(*name, Message(problem));
      if (problem.ok()) continue;
    } else if (problem.code() == StatusCode::kNotFound) {
      log::Error("a spool segment is gone: its rows are lost", {{"file", FormatName(*name)}, {"rows", name->rows}});
      damaged_.Increment();
      index_.Forget(name->number);
      continue;
    }
    log::Error("a spool segment cannot be opened", {{"file", FormatName(*name)}, {"reason", Message(problem)}});
    index_.Nack(name->number);
    return std::nullopt;
  }
}

Status DiskSpool::MarkInDoubt(const SealedSegment& segment) { return index_.MarkInDoubt(segment.number); }

Status DiskSpool::ReadRows(const SealedSegment& segment, const std::function<void(std::string_view row)>& row) {
  const auto name = index_.Taken(segment.number);
  if (!name) return NotFound("spool segment " + std::to_string(segment.number) + " is not taken");
  auto file = directory_->OpenFile(FormatName(*name), O_RDONLY);
  // A file that is gone does not come back: damage, not a fault that passes.
  if (!file.ok()) return file.status().code() == StatusCode::kNotFound ? DataLoss(Message(file.status())) : file.status();
  SegmentReader reader(*std::move(file), name->bytes);
  VORA_RETURN_IF_ERROR(reader.header().status());
  int64_t rows = 0;
  for (;; ++rows) {
    std::string_view view;
    const SegmentReader::Next next = reader.Read(&view);
    if (next == SegmentReader::Next::kEnd) break;
    if (next == SegmentReader::Next::kDamaged) return DataLoss(FormatName(*name) + ": " + reader.problem());
    row(view);
  }
  if (rows == name->rows && reader.offset() == name->bytes) return {};
  return DataLoss(FormatName(*name) + ": it has " + std::to_string(rows) + " rows in " + std::to_string(reader.offset()) + " bytes");
}

Status DiskSpool::Release(const SealedSegment& segment) { return index_.Release(segment.number); }

void DiskSpool::Nack(const SealedSegment& segment) { index_.Nack(segment.number); }

Status DiskSpool::Quarantine(const SealedSegment& segment, std::string_view reason) {
  const auto name = index_.Taken(segment.number);
  if (!name) return NotFound("spool segment " + std::to_string(segment.number) + " is not taken");
  return QuarantineTaken(*name, reason);
}

Status DiskSpool::QuarantineTaken(const SegmentName& name, std::string_view reason) {
  const auto salvaged = QuarantineSegment(*directory_, FormatName(name), reason, name.state == SegmentState::kSealed);
  // Gone already: nothing is left to keep.
  if (!salvaged.ok() && salvaged.status().code() != StatusCode::kNotFound) return salvaged.status();
  damaged_.Increment();
  // Added before the other is forgotten, so that Empty never misses the rows in between.
  if (salvaged.ok() && *salvaged) index_.Add(**salvaged);
  index_.Forget(name.number);
  return {};
}

void DiskSpool::SealNow() {
  {
    std::unique_lock lock(mutex_);
    const uint64_t ticket = ++seals_wanted_;
    wake_.notify_all();
    // The writer gives the segment away, and the sealer then gives it its name: only after both it can be claimed.
    handed_over_.wait(lock, [&] { return seals_done_ >= ticket; });
  }
  sealer_->WaitUntilIdle();
}

bool DiskSpool::Empty() {
  const std::lock_guard lock(mutex_);
  return pending_bytes_ == 0 && unsealed_rows_ == 0 && index_.totals().segments == 0;
}

Status DiskSpool::Health() {
  const std::lock_guard lock(mutex_);
  return health_;
}

}  // namespace vora::analytics
