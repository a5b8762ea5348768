#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "libs/rpc/status.h"
#include "services/orchestrator/scaler_stream_internal.h"

namespace vora::orchestrator {
namespace {

using externalscaler::IsActiveResponse;

class ActiveStream;

// What outlives the stream: the feed may be telling its news while the call ends. The lock is recursive because gRPC may run a reaction
// inside the call that caused it; and the link is passed by value, since the stream may be gone when that call returns.
struct Link {
  std::recursive_mutex mutex;
  ActiveStream* stream = nullptr;  // nullptr: the call is done
};

class ActiveStream final : public grpc::ServerWriteReactor<IsActiveResponse> {
 public:
  explicit ActiveStream(ScalerFeed& feed) : feed_(feed), link_(std::make_shared<Link>()) { link_->stream = this; }

  void Begin(const StatusOr<ScalerTrigger>& trigger) {
    if (!trigger.ok()) return End(link_, trigger.status());
    listener_ = feed_.Listen(trigger->queue, [link = link_](const StatusOr<bool>& active) { Tell(link, active); });
  }

  void OnWriteDone(bool ok) override {
    const auto link = link_;
    const std::lock_guard lock(link->mutex);
    writing_ = false;
    if (ok) {
      WriteNext();
    } else {
      FinishOnce(Cancelled("the client went away"));
    }
  }

  void OnCancel() override { End(link_, Cancelled("the client ended the stream")); }

  // Not before Begin has returned: gRPC waits for the handler.
  void OnDone() override {
    const auto link = link_;
    {
      const std::lock_guard lock(link->mutex);
      link->stream = nullptr;
    }
    if (listener_) feed_.Forget(listener_);
    delete this;
  }

 private:
  static void Tell(std::shared_ptr<Link> link, const StatusOr<bool>& active) {
    const std::lock_guard lock(link->mutex);
    if (link->stream == nullptr) return;
    if (!active.ok()) return link->stream->FinishOnce(active.status());
    link->stream->next_ = *active;
    link->stream->WriteNext();
  }

  static void End(std::shared_ptr<Link> link, const Status& status) {
    const std::lock_guard lock(link->mutex);
    if (link->stream != nullptr) link->stream->FinishOnce(status);
  }

  void WriteNext() {
    if (writing_ || finished_ || !next_) return;
    writing_ = true;
    message_.set_result(*std::exchange(next_, std::nullopt));
    StartWrite(&message_);
  }

  // Nothing of `this` may be touched after it: the call may be done inside.
  void FinishOnce(const Status& status) {
    if (std::exchange(finished_, true)) return;
    Finish(rpc::ToGrpc(status));
  }

  ScalerFeed& feed_;
  const std::shared_ptr<Link> link_;
  std::shared_ptr<ScalerFeed::Listener> listener_;
  std::optional<bool> next_;  // only the newest matters
  IsActiveResponse message_;
  bool writing_ = false;
  bool finished_ = false;
};

}  // namespace

grpc::ServerWriteReactor<IsActiveResponse>* StartActiveStream(ScalerFeed& feed, const StatusOr<ScalerTrigger>& trigger) {
  auto* stream = new ActiveStream(feed);
  stream->Begin(trigger);
  return stream;
}

}  // namespace vora::orchestrator
