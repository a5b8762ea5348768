#include "libs/workflow/engine/wakeups.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <vector>

#include "libs/core/ids.h"
#include "libs/pg/database.h"
#include "libs/pg/listener.h"

namespace vora::workflow {
namespace {

using std::chrono::steady_clock;
constexpr std::chrono::milliseconds kNotifyPause{20};
constexpr size_t kMaxNames = 500;  // more become one wake-up for all
constexpr char kChannel[] = "vora_workflow";
constexpr char kNotify[] = "SELECT pg_notify('vora_workflow', p) FROM json_array_elements_text($1::json) AS p";

}  // namespace

struct Wakeups::Impl {
  pg::Database& db;
  const std::string url;
  const std::string self = RandomHex(4);  // own notifications are skipped
  Receiver receiver;
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::string> outgoing;  // `q:queue`, `r:run`
  std::multimap<steady_clock::time_point, std::string> delayed;
  bool stopping = false;
  std::thread sender, clock;
  std::unique_ptr<pg::Listener> listener;

  Impl(pg::Database& d, std::string u) : db(d), url(std::move(u)) {}

  void Local(const std::string& name) {
    if (name.empty() || name.starts_with("q:")) {
      if (receiver.queue_ready) receiver.queue_ready(name.empty() ? "" : name.substr(2));
    }
    if (name.empty() || name.starts_with("r:")) {
      if (receiver.run_closed) receiver.run_closed(name.empty() ? "" : name.substr(2));
    }
  }

  void Post(const std::string& name) {
    Local(name);
    if (url.empty()) return;
    std::lock_guard lock(mutex);
    if (outgoing.size() < kMaxNames) outgoing.insert(name);
    changed.notify_all();
  }

  // Payload: sender's id, a blank, the name. Empty after a reconnect: anything may have happened.
  void OnNotify(const std::string& payload) {
    if (payload.empty()) return Local("");
    const size_t blank = payload.find(' ');
    if (blank == std::string::npos || payload.compare(0, blank, self) == 0) return;
    Local(payload.substr(blank + 1));
  }

  void SendLoop() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      changed.wait(lock, [&] { return stopping || !outgoing.empty(); });
      if (stopping) return;
      auto payloads = nlohmann::json::array();
      for (const auto& name : outgoing) payloads.push_back(self + " " + name);
      outgoing.clear();
      lock.unlock();
      (void)db.Transact([&](pqxx::work& tx) -> Status {  // lost ones are made up for by polling
        tx.exec_params(kNotify, payloads.dump());
        return {};
      });
      lock.lock();
      changed.wait_for(lock, kNotifyPause, [&] { return stopping; });
    }
  }

  void ClockLoop() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      if (delayed.empty()) {
        changed.wait(lock, [&] { return stopping || !delayed.empty(); });
        continue;
      }
      const auto first = delayed.begin()->first;
      if (steady_clock::now() < first) {
        changed.wait_until(lock, first);
        continue;
      }
      const std::string queue = delayed.begin()->second;
      delayed.erase(delayed.begin());
      lock.unlock();
      Local("q:" + queue);
      lock.lock();
    }
  }
};

Wakeups::Wakeups(pg::Database& db, std::string url) : impl_(std::make_unique<Impl>(db, std::move(url))) {}
Wakeups::~Wakeups() { Stop(); }

void Wakeups::SetReceiver(Receiver receiver) { impl_->receiver = std::move(receiver); }

void Wakeups::Start() {
  Impl* impl = impl_.get();
  impl->clock = std::thread([impl] { impl->ClockLoop(); });
  if (impl->url.empty()) return;
  impl->sender = std::thread([impl] { impl->SendLoop(); });
  impl->listener = std::make_unique<pg::Listener>(impl->url, std::vector<std::string>{kChannel},
                                                  [impl](const std::string&, const std::string& payload) { impl->OnNotify(payload); });
}

void Wakeups::Stop() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->changed.notify_all();
  }
  impl_->listener.reset();
  if (impl_->sender.joinable()) impl_->sender.join();
  if (impl_->clock.joinable()) impl_->clock.join();
}

void Wakeups::QueueReady(const std::string& queue) { impl_->Post("q:" + queue); }
void Wakeups::RunClosed(const std::string& run_id) { impl_->Post("r:" + run_id); }

void Wakeups::QueueReadyAfter(const std::string& queue, std::chrono::microseconds delay) {
  std::lock_guard lock(impl_->mutex);
  if (impl_->delayed.size() >= 10 * kMaxNames) return;
  impl_->delayed.emplace(steady_clock::now() + delay + std::chrono::milliseconds(1), queue);
  impl_->changed.notify_all();
}

}  // namespace vora::workflow
