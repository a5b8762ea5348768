#include <mutex>
#include <utility>

#include "libs/rpc/status.h"
#include "services/metadata/api/grpc_watch_internal.h"
#include "services/metadata/api/watch_mailbox.h"
#include "services/metadata/videos/video_fields.h"

namespace vora::metadata {
namespace {

class WatchReactor;

// What outlives the reactor: the hub may still hold the mailbox when the call is done. The lock is recursive because gRPC may run a
// reaction inside the call that caused it; and the link is passed by value, since the reactor may be gone when that call returns.
struct Link {
  std::recursive_mutex mutex;
  WatchReactor* reactor = nullptr;  // nullptr: the call is done
};

class WatchReactor final : public grpc::ServerWriteReactor<v1::Video> {
 public:
  WatchReactor(WatchHub& hub, std::string tenant, std::string video_id)
      : hub_(hub), tenant_(std::move(tenant)), video_id_(std::move(video_id)), link_(std::make_shared<Link>()) {
    link_->reactor = this;
    mailbox_ = std::make_shared<WatchMailbox>([link = link_] { Pump(link); });
  }

  // Subscribes first and loads then, so that no change falls between.
  void Begin(VideoRepo& videos, ThreadPool& loaders) {
    // gRPC keeps what is written or finished before the reactor was handed over, and cannot call OnDone until then: `this` stays whole.
    const auto link = link_;
    hub_.Watch(tenant_, video_id_, mailbox_);
    if (video_id_.empty()) return;
    const bool queued = loaders.TrySubmit([link, mailbox = mailbox_, tenant = tenant_, id = video_id_, &videos] {
      auto video = videos.Get(tenant, id);
      if (video.ok()) {
        mailbox->Put({id, std::make_shared<const v1::Video>(*std::move(video))});
      } else {
        End(link, video.status());
      }
    });
    if (!queued) End(link, ResourceExhausted("too many watches are starting; try again"));
  }

  void OnWriteDone(bool ok) override {
    const auto link = link_;
    {
      const std::lock_guard lock(link->mutex);
      writing_ = false;
      if (!ok) FinishOnce(Cancelled("the client went away"));
    }
    Pump(link);
  }

  void OnCancel() override { End(link_, Cancelled("the client ended the watch")); }

  void OnDone() override {
    const auto link = link_;
    {
      const std::lock_guard lock(link->mutex);
      link->reactor = nullptr;
    }
    // The hub may be inside OnChange meanwhile; it holds the mailbox, which finds the link without a reactor.
    hub_.Unwatch(mailbox_);
    delete this;
  }

 private:
  static void End(std::shared_ptr<Link> link, const Status& status) {
    const std::lock_guard lock(link->mutex);
    if (link->reactor != nullptr) link->reactor->FinishOnce(status);
  }

  static void Pump(std::shared_ptr<Link> link) {
    const std::lock_guard lock(link->mutex);
    if (link->reactor != nullptr) link->reactor->WriteNext();
  }

  void WriteNext() {
    while (!writing_ && !finished_) {
      const auto change = mailbox_->Take();
      if (!change) {
        if (mailbox_->closed()) FinishOnce(Unavailable("the server is going down; watch again"));
        return;
      }
      if (!change->video) {
        // Gone: the end of a single watch, no news for a watch of all.
        if (!video_id_.empty()) return FinishOnce(absl::OkStatus());
        continue;
      }
      // The first state is loaded beside the feed, so an older version may come after a newer one.
      if (!video_id_.empty() && change->video->version() <= sent_version_) continue;
      sent_version_ = change->video->version();
      writing_ = true;
      // gRPC reads the message until OnWriteDone, so it is a member, and there is one write at a time.
      message_ = *change->video;
      StartWrite(&message_);
      return;
    }
  }

  // Nothing of `this` may be touched after it: the call may be done inside.
  void FinishOnce(const Status& status) {
    if (std::exchange(finished_, true)) return;
    Finish(rpc::ToGrpc(status));
  }

  WatchHub& hub_;
  const std::string tenant_, video_id_;
  const std::shared_ptr<Link> link_;
  std::shared_ptr<WatchMailbox> mailbox_;
  v1::Video message_;
  int64_t sent_version_ = -1;
  bool writing_ = false;
  bool finished_ = false;
};

}  // namespace

grpc::ServerWriteReactor<v1::Video>* StartWatch(VideoRepo& videos, WatchHub& hub, ThreadPool& loaders, const std::string& tenant,
                                                const std::string& video_id) {
  auto* reactor = new WatchReactor(hub, tenant, video_id);
  reactor->Begin(videos, loaders);
  return reactor;
}

}  // namespace vora::metadata
