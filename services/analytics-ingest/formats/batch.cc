#include "services/analytics-ingest/formats/batch.h"

#include <limits>
#include <random>

#include "libs/core/error.h"

namespace vora::analytics {
namespace {

// Above these, sequences of CMCD events lie (see cmcd_events.cc).
constexpr int64_t kRandomFloor = std::numeric_limits<int64_t>::min();
constexpr int64_t kRandomCeiling = -(int64_t{1} << 60);

}  // namespace

int64_t RandomSequence() {
  thread_local std::mt19937_64 random{[] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }()};
  return std::uniform_int_distribution<int64_t>(kRandomFloor, kRandomCeiling)(random);
}

Status TooManyEvents(int64_t max_events) {
  const std::string limit = std::to_string(max_events);
  return MakeError(errors::kPayloadTooLarge, "events: at most " + limit + " in one request", {.field = "events", .limit = limit});
}

Batch::Batch(Event base, const ViewerHasher& viewers) : base_(std::move(base)), viewers_(viewers) {}

EventBuilder& Batch::Begin() {
  builder_.Begin(base_);
  return builder_;
}

void Batch::End() {
  builder_.CheckComplete();
  if (!builder_.ok()) return Reject(builder_.field(), builder_.reason());
  const std::string& viewer = builder_.viewer_id().empty() ? base_viewer_ : builder_.viewer_id();
  if (!viewer.empty()) builder_.event.viewer = HashOf(builder_.event, viewer);
  AddRow(builder_.event);
  Accept();
}

void Batch::AddRow(Event& event) {
  // Sessions count distinct numbers: two events that both have none would be one.
  if (event.sequence == -1) event.sequence = RandomSequence();
  RowsOf(DayOf(event.server_ms)).Add(event);
}

void Batch::Accept() {
  ++next_;
  ++accepted_;
}

void Batch::Reject(std::string_view field, std::string_view reason) {
  if (rejections_.size() < kMaxRejectionsTold) rejections_.push_back({next_, std::string(field), std::string(reason)});
  ++next_;
  ++rejected_;
}

void Batch::Ignore() {
  ++next_;
  ++ignored_;
}

RowBatch& Batch::RowsOf(int32_t day) {
  for (RowBatch& known : rows_) {
    if (known.day() == day) return known;
  }
  rows_.emplace_back(day).Reserve(reserve_);
  return rows_.back();
}

// Mostly all events of a request have one viewer.
const std::string& Batch::HashOf(const Event& event, const std::string& viewer_id) {
  std::string key = event.tenant + '/' + viewer_id;
  if (key != hashed_viewer_) {
    hash_ = viewers_.Hash(event.tenant, viewer_id, event.server_ms);
    hashed_viewer_ = std::move(key);
  }
  return hash_;
}

}  // namespace vora::analytics
