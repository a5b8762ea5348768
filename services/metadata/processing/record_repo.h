#pragma once

// What a running workflow reports: the Record* activities. Each is idempotent: repeated, or of a video that is deleted or
// cancelled, or from a run that a retry has replaced, it is OK with `false` and changes nothing. True: changed.
// NOT_FOUND: no such video or track. FAILED_PRECONDITION: an illegal transition. UNAVAILABLE while the database is away. Thread-safe.

#include <chrono>
#include <string>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::metadata {

class Store;

class RecordRepo {
 public:
  // Both must outlive it. Tells in metrics how long first runs take to be playable, and to end.
  // `replaced_grace`: how long what players had stays when a later encode takes its place.
  RecordRepo(Store& store, obs::Metrics& metrics, std::chrono::milliseconds replaced_grace = std::chrono::hours(24))
      : store_(store), metrics_(metrics), replaced_grace_(replaced_grace) {}

  // The file is there, as `source_key`.
  StatusOr<bool> RecordImport(const std::string& run_id, const workflow::v1::RecordImportInput& input);
  StatusOr<bool> RecordPlan(const std::string& run_id, const workflow::v1::RecordPlanInput& input);
  StatusOr<bool> RecordSegments(const std::string& run_id, const workflow::v1::RecordSegmentsInput& input);
  StatusOr<bool> RecordTrack(const std::string& run_id, const workflow::v1::RecordTrackInput& input);
  StatusOr<bool> RecordPoster(const std::string& run_id, const workflow::v1::RecordPosterInput& input);
  StatusOr<bool> RecordPart(const std::string& run_id, const workflow::v1::RecordPartInput& input);
  StatusOr<bool> RecordCaptions(const std::string& run_id, const workflow::v1::RecordCaptionsInput& input);
  StatusOr<bool> RecordVideo(const std::string& run_id, const workflow::v1::RecordVideoInput& input);

 private:
  Store& store_;
  obs::Metrics& metrics_;
  const std::chrono::milliseconds replaced_grace_;
};

}  // namespace vora::metadata
