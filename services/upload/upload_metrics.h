#pragma once

// Every metric of the upload daemon, named in one place.

#include "libs/obs/metrics.h"

namespace vora::upload {

struct UploadMetrics {
  explicit UploadMetrics(obs::Metrics& metrics)
      : bytes(metrics.AddCounter("vora_upload_bytes_total", "Bytes received from clients")),
        offset_conflicts(metrics.AddCounter("vora_upload_offset_conflicts_total", "PATCH requests at another offset than the upload's")),
        takeovers(metrics.AddCounter("vora_upload_takeovers_total", "Requests ended because a newer one took the upload over")),
        active(metrics.AddGauge("vora_upload_active", "Requests that are receiving bytes")),
        uploaded(metrics.AddCounter("vora_upload_finished_total", "Uploads that ended", {{"result", "uploaded"}})),
        mismatched(metrics.AddCounter("vora_upload_finished_total", "Uploads that ended", {{"result", "checksum_mismatch"}})),
        expired(metrics.AddCounter("vora_upload_finished_total", "Uploads that ended", {{"result", "expired"}})),
        terminated(metrics.AddCounter("vora_upload_finished_total", "Uploads that ended", {{"result", "terminated"}})),
        lost(metrics.AddCounter("vora_upload_finished_total", "Uploads that ended", {{"result", "bytes_lost"}})),
        announce_pending(metrics.AddGauge("vora_upload_announce_pending", "Finished uploads not yet acknowledged by every listener")) {}

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
