#include "libs/workflow/engine/wakeups.h"

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "libs/core/ids.h"
#include "libs/pg/database.h"
#include "libs/pg/listener.h"
#include "libs/run/periodic.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
// Long enough that a burst of transitions becomes one statement (PostgreSQL serialises commits with NOTIFY), short beside a poll's 500 ms.
constexpr milliseconds kNotifyPause{20};
constexpr milliseconds kHelloInterval{10'000};
// Three of them.
constexpr milliseconds kForgetPeer{30'000};
constexpr char kHello[] = "h:";
constexpr size_t kMaxNames = 500;  // more are left to polling
constexpr char kChannel[] = "vora_workflow";
// All names in one statement and so one commit.
constexpr char kNotify[] = "SELECT pg_notify('vora_workflow', p) FROM json_array_elements_text($1::json) AS p";

}  // namespace

struct Wakeups::Impl {
  pg::Database& db;
  const std::string url;
  const std::string self = RandomHex(4);  // own notifications are skipped
  Receiver receiver;
  std::mutex mutex;
  std::set<std::string> outgoing;                         // `q:queue`, `r:run`, `c:token worker`, `p:token worker`
  std::map<std::string, steady_clock::time_point> peers;  // other replicas, and when they were heard of
  steady_clock::time_point next_hello{};
  steady_clock::time_point sent{};  // of `sender` alone
  std::unique_ptr<pg::Listener> listener;
  Periodic sender{"wakeup-sender", [this] { return Send(); }};  // last: uses all of the above

  Impl(pg::Database& d, std::string u) : db(d), url(std::move(u)) {}

  void Local(const std::string& name) {
    if (name.empty() || name.starts_with("q:")) {
      if (receiver.queue_ready) receiver.queue_ready(name.empty() ? "" : name.substr(2));
    }
    if (name.empty() || name.starts_with("r:")) {
      if (receiver.run_closed) receiver.run_closed(name.empty() ? "" : name.substr(2), nullptr);
    }
    // A token has no blank. Workers ask for what they have missed, so there is none for all.
    const auto tell = [&](const char* kind, const auto& receive) {
      const size_t blank = name.find(' ');
      if (name.starts_with(kind) && receive && blank != std::string::npos) receive(name.substr(blank + 1), name.substr(2, blank - 2));
    };
    tell("c:", receiver.cancel_requested);
    tell("p:", receiver.release_requested);
  }

  void Post(const std::string& name) {
    // Pollers of this process need not go round by the database, and are woken even while NOTIFY does not work.
    Local(name);
    TellOthers(name);
  }

  void TellOthers(const std::string& name) {
    if (url.empty()) return;
    {
      const std::lock_guard lock(mutex);
      if (peers.empty() || outgoing.size() >= kMaxNames) return;
      outgoing.insert(name);
    }
    sender.Wake();
  }

  // Payload: sender's id, a blank, the name. Empty after a reconnect: anything may have happened.
  void OnNotify(const std::string& payload) {
    if (payload.empty()) return Local("");
    const size_t blank = payload.find(' ');
    if (blank == std::string::npos || payload.compare(0, blank, self) == 0) return;
    bool is_new = false;
    {
      const std::lock_guard lock(mutex);
      is_new = peers.insert_or_assign(payload.substr(0, blank), steady_clock::now()).second;
      if (is_new) next_hello = {};  // so that it knows of this one too
    }
    if (is_new) sender.Wake();
    Local(payload.substr(blank + 1));
  }

  milliseconds Send() {
    auto payloads = nlohmann::json::array();
    {
      const std::lock_guard lock(mutex);
      const auto now = steady_clock::now();
      // Names that come soon after one another go together.
      const auto early = std::chrono::ceil<milliseconds>(sent + kNotifyPause - now);
      if (early > milliseconds(0)) return early;
      std::erase_if(peers, [&](const auto& peer) { return now - peer.second > kForgetPeer; });
      for (const auto& name : outgoing) payloads.push_back(self + " " + name);
      outgoing.clear();
      if (now >= next_hello) {
        payloads.push_back(self + " " + kHello);
        next_hello = now + kHelloInterval;
      }
      if (payloads.empty()) return std::chrono::ceil<milliseconds>(next_hello - now);
    }
    // Outside the mutex: committing threads post under it, and must not wait for a round trip.
    (void)db.Read([&](pqxx::nontransaction& tx) -> Status {  // lost ones are made up for by polling
      tx.exec_params(kNotify, payloads.dump());
      return {};
    });
    sent = steady_clock::now();
    return kNotifyPause;
  }
};

Wakeups::Wakeups(pg::Database& db, std::string url) : impl_(std::make_unique<Impl>(db, std::move(url))) {}
Wakeups::~Wakeups() { Stop(); }

void Wakeups::SetReceiver(Receiver receiver) { impl_->receiver = std::move(receiver); }

void Wakeups::Start() {
  Impl* impl = impl_.get();
  if (impl->url.empty()) return;
  impl->listener = std::make_unique<pg::Listener>(impl->url, std::vector<std::string>{kChannel},
                                                  [impl](const std::string&, const std::string& payload) { impl->OnNotify(payload); });
  impl->sender.Start();
}

void Wakeups::Stop() {
  impl_->listener.reset();
  impl_->sender.Stop();
}

void Wakeups::QueueReady(const std::string& queue) { impl_->Post("q:" + queue); }

void Wakeups::RunClosed(const v1::WorkflowInfo& run) {
  if (impl_->receiver.run_closed) impl_->receiver.run_closed(run.run_id(), &run);
  impl_->TellOthers("r:" + run.run_id());
}

void Wakeups::WorkBegan() {
  // Others see it when they look next: it is no news for those who wait.
  if (impl_->receiver.work_began) impl_->receiver.work_began();
}

void Wakeups::DueAfter(std::chrono::microseconds delay) {
  // No news for others: they have the deadlines that they made, and all of them after a while.
  if (impl_->receiver.due_after) impl_->receiver.due_after(delay);
}

void Wakeups::CancelRequested(const std::string& worker_id, const std::string& task_token) {
  impl_->Post("c:" + task_token + " " + worker_id);
}

void Wakeups::ReleaseRequested(const std::string& worker_id, const std::string& task_token) {
  impl_->Post("p:" + task_token + " " + worker_id);
}

}  // namespace vora::workflow
