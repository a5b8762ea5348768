#include "libs/workflow/service/watch_stream_internal.h"

#include <memory>
#include <utility>

#include "libs/rpc/push_stream.h"

namespace vora::workflow {
namespace {

class WatchStream final : public rpc::PushStream<v1::WorkerOrders> {
 public:
  explicit WatchStream(WorkerSessions& sessions) : sessions_(sessions) {}

  void Begin(const std::string& worker_id, const Status& refused) {
    if (!refused.ok()) return Link::End(link(), refused);
    if (const Status valid = Engine::CheckWorker(worker_id); !valid.ok()) return Link::End(link(), valid);
    StartSendInitialMetadata();  // tells the worker that it is watched
    watch_ = sessions_.Add(
        worker_id, [this, link = link()](const v1::WorkerOrders& orders) { Link::Push(link, [&] { next_.MergeFrom(orders); }); },
        [link = link()] { Link::End(link, Unavailable("the orchestrator is going down; ask another one")); });
  }

 private:
  bool TakeNext(v1::WorkerOrders& orders) override {
    orders.Swap(&next_);
    return !orders.cancel().empty() || !orders.stale().empty() || !orders.release().empty();
  }
  void Leave() override {
    if (watch_) sessions_.Forget(watch_);
  }

  WorkerSessions& sessions_;
  std::shared_ptr<WorkerSessions::Watch> watch_;
  v1::WorkerOrders next_;
};

}  // namespace

grpc::ServerWriteReactor<v1::WorkerOrders>* StartWatchStream(WorkerSessions& sessions, const std::string& worker_id,
                                                             const Status& refused) {
  auto* stream = new WatchStream(sessions);
  stream->Begin(worker_id, refused);
  return stream;
}

}  // namespace vora::workflow
