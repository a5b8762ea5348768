#include "libs/workflow/service/watch_stream_internal.h"

#include <memory>
#include <mutex>
#include <utility>

#include "libs/rpc/status.h"

namespace vora::workflow {
namespace {

// gRPC may run a reaction inside the call that caused it, and the stream may be gone when that returns: so the lock is recursive, lives as
// long as whoever holds it, and nothing of the stream is touched after the call.
class WatchStream final : public grpc::ServerWriteReactor<v1::WorkerOrders> {
 public:
  explicit WatchStream(WorkerSessions& sessions) : sessions_(sessions) {}

  void Begin(const std::string& worker_id, const Status& refused) {
    if (!refused.ok()) return End(refused);
    if (const Status valid = Engine::CheckWorker(worker_id); !valid.ok()) return End(valid);
    StartSendInitialMetadata();  // tells the worker that it is watched
    watch_ = sessions_.Add(
        worker_id, [this](const v1::WorkerOrders& orders) { Push(orders); },
        [this] { End(Unavailable("the orchestrator is going down; ask another one")); });
  }

  void OnWriteDone(bool ok) override {
    const auto mutex = mutex_;
    const std::lock_guard lock(*mutex);
    writing_ = false;
    if (ok) {
      WriteNext();
    } else {
      FinishOnce(Cancelled("the worker went away"));
    }
  }
  void OnCancel() override { End(Cancelled("the worker went away")); }
  // Not before Begin has returned: gRPC waits for the handler.
  void OnDone() override {
    if (watch_) sessions_.Forget(watch_);
    delete this;
  }

 private:
  void Push(const v1::WorkerOrders& orders) {
    const auto mutex = mutex_;
    const std::lock_guard lock(*mutex);
    next_.MergeFrom(orders);
    WriteNext();
  }
  void End(const Status& status) {
    const auto mutex = mutex_;
    const std::lock_guard lock(*mutex);
    FinishOnce(status);
  }
  void WriteNext() {
    if (writing_ || finished_ || (next_.cancel().empty() && next_.stale().empty() && next_.release().empty())) return;
    writing_ = true;
    message_ = std::exchange(next_, {});
    StartWrite(&message_);
  }
  void FinishOnce(const Status& status) {
    if (std::exchange(finished_, true)) return;
    Finish(rpc::ToGrpc(status));
  }

  WorkerSessions& sessions_;
  const std::shared_ptr<std::recursive_mutex> mutex_ = std::make_shared<std::recursive_mutex>();
  std::shared_ptr<WorkerSessions::Watch> watch_;
  v1::WorkerOrders next_, message_;
  bool writing_ = false;
  bool finished_ = false;
};

}  // namespace

grpc::ServerWriteReactor<v1::WorkerOrders>* StartWatchStream(WorkerSessions& sessions, const std::string& worker_id,
                                                             const Status& refused) {
  auto* stream = new WatchStream(sessions);
  stream->Begin(worker_id, refused);
  return stream;
}

}  // namespace vora::workflow
