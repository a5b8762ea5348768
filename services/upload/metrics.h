#pragma once

// Every metric of the upload daemon, beside those of the libraries it uses.

#include "libs/obs/family.h"

namespace vora::upload {

inline obs::FamilySet kMetrics{"services/upload"};

inline const obs::CounterFamily kBytes{kMetrics, "vora_upload_bytes_total", "Bytes received from clients."};
inline const obs::CounterFamily kOffsetConflicts{kMetrics, "vora_upload_offset_conflicts_total",
                                                 "PATCH requests at another offset than the upload's, answered with 409."};
inline const obs::CounterFamily kTakeovers{kMetrics, "vora_upload_takeovers_total",
                                           "Requests ended because a newer one took the upload over."};
inline const obs::GaugeFamily kActive{kMetrics, "vora_upload_active", "Requests that are receiving bytes."};
inline const obs::CounterFamily kFinished{kMetrics,
                                          "vora_upload_finished_total",
                                          "Uploads that ended: uploaded, checksum_mismatch, expired, terminated, bytes_lost.",
                                          {"result"}};
inline const obs::GaugeFamily kAnnouncePending{kMetrics, "vora_upload_announce_pending",
                                               "Finished uploads not yet acknowledged by every listener."};

struct UploadMetrics {
  explicit UploadMetrics(obs::Metrics& metrics)
      : bytes(kBytes.In(metrics)),
        offset_conflicts(kOffsetConflicts.In(metrics)),
        takeovers(kTakeovers.In(metrics)),
        active(kActive.In(metrics)),
        uploaded(kFinished.In(metrics, {"uploaded"})),
        mismatched(kFinished.In(metrics, {"checksum_mismatch"})),
        expired(kFinished.In(metrics, {"expired"})),
        terminated(kFinished.In(metrics, {"terminated"})),
        lost(kFinished.In(metrics, {"bytes_lost"})),
        announce_pending(kAnnouncePending.In(metrics)) {}

  obs::Counter& bytes;
  obs::Counter& offset_conflicts;
  obs::Counter& takeovers;
  obs::Gauge& active;
  obs::Counter& uploaded;
  obs::Counter& mismatched;
  obs::Counter& expired;
  obs::Counter& terminated;
  obs::Counter& lost;
  obs::Gauge& announce_pending;
};

}  // namespace vora::upload
