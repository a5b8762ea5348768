#pragma once

// What the two services share.

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>

#include "libs/core/status.h"
#include "libs/rpc/status.h"

namespace vora::workflow {

template <class Response>
grpc::Status Reply(StatusOr<Response> result, Response* response) {
  if (!result.ok()) return rpc::ToGrpc(result.status());
  *response = std::move(result).value();
  return grpc::Status::OK;
}

inline grpc::ServerUnaryReactor* Refuse(grpc::ServerUnaryReactor* reactor, const Status& refused) {
  reactor->Finish(rpc::ToGrpc(refused));
  return reactor;
}

// What is left of the caller's deadline less `margin`, at most `most`.
inline std::chrono::milliseconds TimeLeft(const grpc::ServerContextBase& context, std::chrono::milliseconds most,
                                          std::chrono::milliseconds margin) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(context.deadline() - std::chrono::system_clock::now());
  return std::max(std::chrono::milliseconds{0}, std::min(most, left > std::chrono::hours{24} ? most : left - margin));
}

// A call answered later. `Ticket` names the wait; `on_cancel` is called with it when the caller goes away before the answer.
template <class Ticket>
class WaitingCall : public grpc::ServerUnaryReactor {
 public:
  explicit WaitingCall(std::function<void(const std::shared_ptr<Ticket>&)> on_cancel) : on_cancel_(std::move(on_cancel)) {}

  void Attach(std::shared_ptr<Ticket> ticket) {
    bool canceled;
    {
      std::lock_guard lock(mutex_);
      ticket_ = ticket;
      canceled = canceled_;
    }
    if (canceled) on_cancel_(ticket);
  }
  void OnCancel() override {
    std::shared_ptr<Ticket> ticket;
    {
      std::lock_guard lock(mutex_);
      canceled_ = true;
      ticket = ticket_;
    }
    if (ticket) on_cancel_(ticket);
  }
  // Attach may still be running when the answer comes: the starter and gRPC each hold the call until they are through.
  void OnDone() override { self_.reset(); }
  static std::shared_ptr<WaitingCall> Make(std::function<void(const std::shared_ptr<Ticket>&)> on_cancel) {
    auto call = std::make_shared<WaitingCall>(std::move(on_cancel));
    call->self_ = call;
    return call;
  }

 private:
  const std::function<void(const std::shared_ptr<Ticket>&)> on_cancel_;
  std::mutex mutex_;
  std::shared_ptr<Ticket> ticket_;
  bool canceled_ = false;
  std::shared_ptr<WaitingCall> self_;
};

}  // namespace vora::workflow
