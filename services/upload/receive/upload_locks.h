#pragma once

// One request at a time per upload within this process. A newer request takes the upload over: the older one's session is closed,
// which keeps what it received (tus 1.0.0, "a Server MAY terminate the older request"). Across replicas the state document decides.

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "libs/core/status.h"
#include "services/upload/receive/upload_session.h"

namespace vora::upload {

class UploadLocks {
 public:
  // Holds the upload until destroyed, released, or taken over.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept { *this = std::move(other); }
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { Release(); }
    // From now on a newer request closes `session` (Ending::kBroken) instead of waiting. ABORTED when one is already waiting.
    Status Attach(std::shared_ptr<UploadSession> session);
    void Release();
    // An older request was ended for this one.
    bool took_over() const { return took_over_; }

   private:
    friend class UploadLocks;
    UploadLocks* locks_ = nullptr;
    std::string upload_id_;
    uint64_t token_ = 0;
    bool took_over_ = false;
  };

  // nullopt while another request holds the upload.
  std::optional<Lease> TryAcquire(const std::string& upload_id);
  // Blocks while the holder ends. `drop` discards what the older request has not made durable (for termination). ABORTED when the
  // holder does not let go within `patience`.
  StatusOr<Lease> Acquire(const std::string& upload_id, std::chrono::milliseconds patience, bool drop = false);
  // Ends every session, keeping what arrived (for shutdown). Blocks.
  void CloseAll();

 private:
  struct Entry {
    uint64_t token = 0;
    int waiting = 0;
    std::shared_ptr<UploadSession> session;
  };
  Lease Take(const std::string& upload_id, bool took_over);  // under mutex_; the upload is free

  std::mutex mutex_;
  std::condition_variable released_;
  std::map<std::string, Entry> entries_;
  uint64_t next_token_ = 1;
};

}  // namespace vora::upload
