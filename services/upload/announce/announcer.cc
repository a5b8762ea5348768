#include "services/upload/announce/announcer.h"

#include <grpcpp/channel.h>

#include <map>
#include <mutex>
#include <set>

#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "libs/log/log.h"
#include "libs/obs/span.h"
#include "libs/rpc/call.h"
#include "libs/run/periodic.h"
#include "services/upload/state/upload_proto.h"
#include "vora/upload/v1/upload.grpc.pb.h"

namespace vora::upload {
namespace {

using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

struct Listener {
  std::string target;
  std::unique_ptr<v1::UploadListener::Stub> stub;
  SteadyTime down_until{};  // it did not answer: do not make every upload wait for it
  int failures = 0;
};

struct Pending {
  std::set<std::string> acknowledged;
  int attempts = 0;
  SteadyTime due{};
};

}  // namespace

struct Announcer::Impl {
  Impl(UploadRepo& r, UploadMetrics& m, AnnouncerOptions o) : repo(r), metrics(m), options(std::move(o)) {}

  milliseconds Step();
  void Scan();
  bool Deliver(const std::string& id, Pending& pending);
  bool Call(Listener& listener, const UploadDoc& doc);
  StatusOr<Versioned> LoadFinished(const std::string& id);

  UploadRepo& repo;
  UploadMetrics& metrics;
  const AnnouncerOptions options;
  std::function<StatusOr<Versioned>(Versioned)> finish;
  std::vector<Listener> listeners;
  std::map<std::string, Pending> pending;  // of `loop` alone
  SteadyTime next_scan{};
  bool scanned = false;  // once, whole: then young announcements are left to the replicas that made them

  std::mutex mutex;
  std::set<std::string> notified;
  bool stopping = false;
  grpc::ClientContext* calling = nullptr;                       // for Stop to cancel
  Periodic loop{"upload-announce", [this] { return Step(); }};  // last: uses all of the above
};

Announcer::Announcer(UploadRepo& repo, UploadMetrics& metrics, AnnouncerOptions options)
    : impl_(std::make_unique<Impl>(repo, metrics, std::move(options))) {}

Announcer::~Announcer() { Stop(); }

void Announcer::Start(std::function<StatusOr<Versioned>(Versioned)> finish) {
  impl_->finish = std::move(finish);
  for (const std::string& target : impl_->options.listeners) {
    impl_->listeners.push_back({target, v1::UploadListener::NewStub(rpc::Connect(target))});
  }
  impl_->loop.Start();
}

void Announcer::Stop() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    if (impl_->calling) impl_->calling->TryCancel();
  }
  impl_->loop.Stop();
}

void Announcer::Notify(const std::string& upload_id) {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->notified.insert(upload_id);
  }
  impl_->loop.Wake();
}

// Delivers what is due; the pause until more is.
milliseconds Announcer::Impl::Step() {
  {
    const std::lock_guard lock(mutex);
    // Due at once, also when it waits for another try: something has just finished it.
    for (const std::string& id : notified) pending[id].due = {};
    notified.clear();
  }
  if (std::chrono::steady_clock::now() >= next_scan) Scan();
  SteadyTime next = next_scan;
  for (auto it = pending.begin(); it != pending.end() && !loop.stopping();) {
    metrics.announce_pending.Set(static_cast<double>(pending.size()));
    const bool due = std::chrono::steady_clock::now() >= it->second.due;
    if (due && Deliver(it->first, it->second)) {
      it = pending.erase(it);
      continue;
    }
    next = std::min(next, it->second.due);
    ++it;
  }
  metrics.announce_pending.Set(static_cast<double>(pending.size()));
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(next - std::chrono::steady_clock::now()));
}

void Announcer::Impl::Scan() {
  const bool first = !scanned;
  next_scan = std::chrono::steady_clock::now() + options.scan_interval;
  const int64_t fresh = ToUnixMs(repo.clock().Now()) - options.scan_interval.count();
  std::string token;
  do {
    StatusOr<storage::ListPage> page = repo.store().List(layout::kAnnouncePrefix, token);
    if (!page.ok()) {
      log::Warn("announcements cannot be listed", {{"error", ToText(page.status())}});
      if (first) next_scan = std::chrono::steady_clock::now() + std::chrono::seconds(1);
      return;
    }
    for (const storage::ObjectInfo& object : page->objects) {
      std::string id = object.key.substr(sizeof(layout::kAnnouncePrefix) - 1);
      // A young one is in its own replica's hands.
      if (IsId(id) && (first || object.modified_unix_ms < fresh)) pending.try_emplace(id);
    }
    token = page->next_token;
  } while (!token.empty());
  scanned = true;
}

// True when there is nothing left to do for `id`.
bool Announcer::Impl::Deliver(const std::string& id, Pending& item) {
  StatusOr<Versioned> upload = LoadFinished(id);
  bool gone = upload.status().code() == StatusCode::kNotFound || (upload.ok() && upload->doc.state == State::kFailed);
  bool all = gone;
  if (upload.ok() && upload->doc.state == State::kUploaded) {
    obs::Span span("announce upload", obs::SpanKind::kProducer, upload->doc.traceparent);
    span.Set("vora.upload.id", id);
    all = true;
    for (Listener& listener : listeners) {
      // Known in memory only: after a restart every listener is told again, and they know what they have.
      if (item.acknowledged.count(listener.target)) continue;
      if (Call(listener, upload->doc)) {
        item.acknowledged.insert(listener.target);
      } else {
        all = false;
      }
    }
    if (!all) span.Fail(Unavailable("not every listener took it"));
  }
  if (all) {
    // Only now: until every listener has it, a crash must leave the announcement.
    Status deleted = repo.store().Delete(layout::AnnounceKey(id));
    if (deleted.ok()) return true;
    log::Warn("announcement stays", {{"upload_id", id}, {"error", ToText(deleted)}});
  }
  ++item.attempts;
  item.due = std::chrono::steady_clock::now() + BackoffDelay(options.backoff, std::min(item.attempts, 20), {});
  return false;
}

StatusOr<Versioned> Announcer::Impl::LoadFinished(const std::string& id) {
  VORA_ASSIGN_OR_RETURN(Versioned current, repo.Load(id));
  if (!current.doc.awaits_finish()) return current;
  return finish(std::move(current));
}

bool Announcer::Impl::Call(Listener& listener, const UploadDoc& doc) {
  if (std::chrono::steady_clock::now() < listener.down_until) return false;
  v1::UploadFinishedRequest request;
  *request.mutable_upload() = ToProto(doc);
  grpc::ClientContext context;
  rpc::Prepare(context, options.call_timeout);
  {
    std::lock_guard lock(mutex);
    // Under the lock: Stop either finds this call, or has been seen here.
    if (stopping) return false;
    calling = &context;
  }
  const Status called = rpc::Call(context, *listener.stub, &v1::UploadListener::Stub::UploadFinished, request).status();
  {
    std::lock_guard lock(mutex);
    calling = nullptr;
    // Cut off by Stop, which says nothing of the listener.
    if (stopping && !called.ok()) return false;
  }
  if (called.ok()) {
    listener.failures = 0;
    log::Info("upload announced", {{"upload_id", doc.upload_id}, {"listener", listener.target}});
    return true;
  }
  // A refusal is about this upload; only silence is about the listener.
  bool unreachable = called.code() == StatusCode::kUnavailable || called.code() == StatusCode::kDeadlineExceeded;
  if (unreachable) {
    listener.down_until = std::chrono::steady_clock::now() + BackoffDelay(options.backoff, std::min(++listener.failures, 20), called);
  }
  log::Warn("listener did not take the upload; will retry",
            {{"upload_id", doc.upload_id}, {"listener", listener.target}, {"error", ToText(called)}});
  return false;
}

}  // namespace vora::upload
