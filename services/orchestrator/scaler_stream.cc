#include <memory>
#include <optional>
#include <utility>

#include "libs/rpc/push_stream.h"
#include "services/orchestrator/scaler_stream_internal.h"

namespace vora::orchestrator {
namespace {

using externalscaler::IsActiveResponse;

class ActiveStream final : public rpc::PushStream<IsActiveResponse> {
 public:
  explicit ActiveStream(ScalerFeed& feed) : feed_(feed) {}

  void Begin(const StatusOr<ScalerTrigger>& trigger) {
    if (!trigger.ok()) return Link::End(link(), trigger.status());
    // A call that is under way when the stream ends may find it gone, and the link with its end.
    listener_ = feed_.Listen(trigger->queue, [this, link = link()](const StatusOr<bool>& active) {
      if (!active.ok()) return Link::End(link, active.status());
      Link::Push(link, [&] { next_ = *active; });
    });
  }

 private:
  bool TakeNext(IsActiveResponse& response) override {
    if (!next_) return false;
    response.set_result(*std::exchange(next_, std::nullopt));
    return true;
  }
  void Leave() override {
    if (listener_) feed_.Forget(listener_);
  }

  ScalerFeed& feed_;
  std::shared_ptr<ScalerFeed::Listener> listener_;
  std::optional<bool> next_;  // only the newest matters
};

}  // namespace

grpc::ServerWriteReactor<IsActiveResponse>* StartActiveStream(ScalerFeed& feed, const StatusOr<ScalerTrigger>& trigger) {
  auto* stream = new ActiveStream(feed);
  stream->Begin(trigger);
  return stream;
}

}  // namespace vora::orchestrator
