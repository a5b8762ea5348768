#include "libs/rpc/environment.h"

#include <absl/synchronization/mutex.h>

#include <cstdlib>
#include <mutex>

namespace vora::rpc {

void PrepareGrpcEnvironment() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Nobody reads an idle channel of a blocking client but this poller. At its default of 5 s the client learns that late that
    // its peer has gone, and the first call after a restart fails.
    setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "250", 0);
    // Debian's abseil is built with its checks on: each lock that gRPC takes would be entered in one graph of all of them, under a lock of
    // its own.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  });
}

}  // namespace vora::rpc
