#pragma once

// A stream of what comes up, from the server, as a callback reactor: one message is under way at a time, and the next is made of what has
// come up meanwhile. Owns itself until the call is done. Heavy (gRPC).

#include <memory>
#include <mutex>
#include <utility>

#include <grpcpp/support/server_callback.h>

#include "libs/core/status.h"
#include "libs/rpc/status.h"

namespace vora::rpc {

// `Reactor`: one that writes `Message`.
template <typename Message, typename Reactor = grpc::ServerWriteReactor<Message>>
class PushStream : public Reactor {
 public:
  // For whoever has news, which may come while the call ends: it outlives the stream. gRPC may run a reaction inside the call that caused
  // it, and the stream may be gone when that returns: so the lock is recursive, whoever uses a link holds it, and nothing of the stream is
  // touched afterwards.
  class Link {
   public:
    // `add` notes what has come up, under the lock; not after the end of the call, which is false. Any thread.
    template <typename Add>
    static bool Push(std::shared_ptr<Link> link, Add add) {
      const std::lock_guard lock(link->mutex_);
      if (link->stream_ == nullptr || link->stream_->finished_) return false;
      add();
      link->stream_->WriteNext();
      return true;
    }
    // What a call whose end has begun must not do any more.
    template <typename Act>
    static void WhileOpen(std::shared_ptr<Link> link, Act act) {
      const std::lock_guard lock(link->mutex_);
      if (link->stream_ != nullptr && !link->stream_->finished_) act();
    }
    static void End(std::shared_ptr<Link> link, const Status& status) {
      const std::lock_guard lock(link->mutex_);
      if (link->stream_ != nullptr) link->stream_->FinishOnce(status);
    }

   private:
    friend class PushStream;
    std::recursive_mutex mutex_;
    PushStream* stream_ = nullptr;  // nullptr: the call is done
  };

  PushStream() { link_->stream_ = this; }

  void OnWriteDone(bool ok) final {
    const auto link = link_;
    const std::lock_guard lock(link->mutex_);
    writing_ = false;
    if (ok) {
      WriteNext();
    } else {
      FinishOnce(Cancelled("the client went away"));
    }
  }
  void OnCancel() final { Link::End(link_, Cancelled("the client went away")); }
  // Not before the handler has returned: gRPC waits for it.
  void OnDone() final {
    const auto link = link_;
    {
      const std::lock_guard lock(link->mutex_);
      link->stream_ = nullptr;
    }
    Leave();
    delete this;
  }

 protected:
  // Moves what has come up into `message`, which is empty; false: there is nothing. Under the lock.
  virtual bool TakeNext(Message& message) = 0;
  // The call is done.
  virtual void Leave() = 0;
  const std::shared_ptr<Link>& link() const { return link_; }

 private:
  void WriteNext() {
    if (writing_ || finished_) return;
    message_.Clear();
    if (!TakeNext(message_)) return;
    writing_ = true;
    this->StartWrite(&message_);
  }
  void FinishOnce(const Status& status) {
    if (std::exchange(finished_, true)) return;
    this->Finish(ToGrpc(status));
  }

  const std::shared_ptr<Link> link_ = std::make_shared<Link>();
  Message message_;
  bool writing_ = false;
  bool finished_ = false;
};

}  // namespace vora::rpc
