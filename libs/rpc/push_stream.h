#pragma once

// A server stream of what comes up, as a callback reactor: one message is under way at a time, and the next is made of what has come up
// meanwhile. Owns itself until the call is done. Heavy (gRPC).

#include <memory>
#include <mutex>
#include <utility>

#include <grpcpp/support/server_callback.h>

#include "libs/core/status.h"
#include "libs/rpc/status.h"

namespace vora::rpc {

// gRPC may run a reaction inside the call that caused it, and the stream may be gone when that returns: so the lock is recursive, lives as
// long as whoever holds it, and nothing of the stream is touched after the call.
template <typename Message>
class PushStream : public grpc::ServerWriteReactor<Message> {
 public:
  void OnWriteDone(bool ok) final {
    const auto mutex = mutex_;
    const std::lock_guard lock(*mutex);
    writing_ = false;
    if (ok) {
      WriteNext();
    } else {
      FinishOnce(Cancelled("the client went away"));
    }
  }
  void OnCancel() final { End(Cancelled("the client went away")); }
  // Not before the handler has returned: gRPC waits for it.
  void OnDone() final {
    Leave();
    delete this;
  }

 protected:
  // Moves what has come up into `message`, which is empty; false: there is nothing. Under the lock.
  virtual bool TakeNext(Message& message) = 0;
  // Nobody may call Push or End once this has returned.
  virtual void Leave() = 0;

  // `add` notes what has come up, under the lock. Any thread.
  template <typename Add>
  void Push(Add add) {
    const auto mutex = mutex_;
    const std::lock_guard lock(*mutex);
    add();
    WriteNext();
  }
  void End(const Status& status) {
    const auto mutex = mutex_;
    const std::lock_guard lock(*mutex);
    FinishOnce(status);
  }

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

  const std::shared_ptr<std::recursive_mutex> mutex_ = std::make_shared<std::recursive_mutex>();
  Message message_;
  bool writing_ = false;
  bool finished_ = false;
};

}  // namespace vora::rpc
