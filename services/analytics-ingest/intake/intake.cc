#include "services/analytics-ingest/intake/intake.h"

#include <memory>
#include <mutex>

#include "services/analytics-ingest/metrics.h"

namespace vora::analytics {
namespace {

struct SourceName {
  EventSource source;
  const char* name;
};
constexpr SourceName kSources[] = {
    {EventSource::kJson, "json"}, {EventSource::kCmcd, "cmcd"}, {EventSource::kGrpc, "grpc"}, {EventSource::kGateway, "gateway"}};

struct RefusalName {
  Refusal reason;
  const char* name;
};
constexpr RefusalName kRefusals[] = {{Refusal::kInvalid, "invalid"},    {Refusal::kMalformed, "malformed"},
                                     {Refusal::kTooLarge, "too_large"}, {Refusal::kRateLimit, "rate_limit"},
                                     {Refusal::kOverload, "overload"},  {Refusal::kSpool, "spool"}};

// Calls `done` when all parts have ended, with the first fault.
class Join {
 public:
  Join(size_t parts, std::function<void(Status)> done) : left_(parts), done_(std::move(done)) {}
  void End(const Status& status) {
    bool last = false;
    {
      const std::lock_guard lock(mutex_);
      if (fault_.ok()) fault_ = status;
      last = --left_ == 0;
    }
    // Without the lock, since what waits may submit the next batch.
    if (last) done_(fault_);
  }

 private:
  std::mutex mutex_;
  size_t left_;
  Status fault_;
  std::function<void(Status)> done_;
};

// A clock that is further behind than this has been set right.
constexpr int64_t kSetBackMs = 10'000;

}  // namespace

Intake::Intake(Spool& spool, const ViewerHasher& viewers, const Clock& clock, obs::Metrics& metrics)
    : spool_(spool), viewers_(viewers), clock_(clock) {
  for (const auto& [source, name] : kSources) {
    accepted_[source] = &kAccepted.In(metrics, {name});
  }
  for (const auto& [reason, name] : kRefusals) {
    rejected_[reason] = &kRejected.In(metrics, {name});
  }
}

int64_t Intake::NowMs() {
  const int64_t now = ToUnixMs(clock_.Now());
  int64_t last = last_ms_.load();
  while (now > last || now < last - kSetBackMs) {
    // Whoever loses the exchange finds the newer time in `last`, and judges anew.
    if (last_ms_.compare_exchange_weak(last, now)) return now;
  }
  return last;
}

Batch Intake::NewBatch(EventSource source, std::string client_net) {
  Event base;
  base.server_ms = NowMs();
  base.source = source;
  base.client_net = std::move(client_net);
  return Batch(std::move(base), viewers_);
}

Status Intake::Health() {
  if (closed_) return Unavailable("this replica shuts down; try again");
  return spool_.Health();
}

void Intake::Submit(Batch& batch, EventSource source, std::function<void(Status)> done) {
  const auto events = static_cast<double>(batch.accepted());
  obs::Counter& accepted = *accepted_.at(source);
  auto counted = [&accepted, events, done = std::move(done)](const Status& status) {
    if (status.ok()) accepted.Increment(events);
    done(status);
  };
  if (closed_) return counted(Unavailable("this replica shuts down; try again"));
  std::vector<RowBatch> rows = batch.TakeRows();
  if (rows.empty()) return counted(absl::OkStatus());
  const auto join = std::make_shared<Join>(rows.size(), std::move(counted));
  // Around midnight a batch has rows of two days, which are two segments; it is durable when both are.
  for (RowBatch& day : rows) {
    const Status refused = spool_.Append(std::move(day), [join](const Status& status) { join->End(status); });
    if (!refused.ok()) join->End(refused);
  }
}

void Intake::CountRejected(Refusal reason, int64_t events) {
  if (events > 0) rejected_.at(reason)->Increment(static_cast<double>(events));
}

}  // namespace vora::analytics
