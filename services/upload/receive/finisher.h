#pragma once

// The end of an upload. Every step may be repeated, by any replica and after a crash between any two: object, announcement, state,
// clean-up, in this order. Thread-safe; blocks.

#include <functional>
#include <string>

#include "libs/core/status.h"
#include "services/upload/metrics.h"
#include "services/upload/state/upload_repo.h"

namespace vora::upload {

class Finisher {
 public:
  // `announce` is called once an upload is UPLOADED (its announcement is durable by then); empty: nobody listens, none is written.
  Finisher(UploadRepo& repo, UploadMetrics& metrics, std::function<void(const std::string& upload_id)> announce)
      : repo_(repo), metrics_(metrics), announce_(std::move(announce)) {}

  // Does nothing unless current.doc.awaits_finish(). OK with the document as it stands afterwards: UPLOADED, or FAILED when the
  // whole-file sha256 differs, or bytes are missing and have been for five minutes. UNAVAILABLE: the next request or sweep goes on.
  StatusOr<Versioned> Finish(Versioned current);

  // Makes the upload FAILED, then frees its bytes. ABORTED when somebody else changed it meanwhile.
  Status Fail(Versioned& current, Failure kind, const std::string& reason);
  // Frees the bytes of a FAILED upload if that has not happened yet.
  Status FreeFailed(Versioned& current);
  // Fails an unfinished upload and removes every trace of it. FAILED_PRECONDITION once it is UPLOADED.
  Status Terminate(Versioned current);

 private:
  Status MakeObject(const UploadDoc& doc);
  Status CompleteParts(const UploadDoc& doc);
  Status MarkUploaded(Versioned& current, const std::string& sha256);

  UploadRepo& repo_;
  UploadMetrics& metrics_;
  std::function<void(const std::string&)> announce_;
};

}  // namespace vora::upload
