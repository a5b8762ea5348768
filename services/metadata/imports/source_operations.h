#pragma once

// What REST and gRPC have in common of sources: what there are, scans of them, and what buckets tell. Thread-safe.

#include <functional>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/sources/sources.h"
#include "services/metadata/imports/import_repo.h"
#include "services/metadata/imports/scan_repo.h"
#include "vora/metadata/v1/sources.pb.h"

namespace vora::metadata {

// What came of a bucket's notifications.
struct EventsTaken {
  int64_t registered = 0;  // became videos
  int64_t known = 0;       // had one already
  int64_t ignored = 0;     // no new media files of the source
};

class SourceOperations {
 public:
  // `begun` is called when there is a scan to go on with. All of it must outlive the object.
  SourceOperations(ImportRepo& imports, ScanRepo& scans, const sources::Sources& sources, std::function<void()> begun)
      : imports_(imports), scans_(scans), sources_(sources), begun_(std::move(begun)) {}

  // Asks each source whether it can be read.
  StatusOr<v1::ListSourcesResponse> List(const std::string& tenant);
  StatusOr<v1::Scan> Scan(const std::string& tenant, const std::string& name);
  StatusOr<v1::Scan> GetScan(const std::string& tenant, const std::string& name, const std::string& scan_id);
  StatusOr<v1::ListScansResponse> ListScans(const std::string& tenant, const std::string& name);
  StatusOr<v1::ListScanFilesResponse> ListScanFiles(const std::string& tenant, const v1::ListScanFilesRequest& request);
  StatusOr<v1::Scan> CancelScan(const std::string& tenant, const std::string& name, const std::string& scan_id);

  // S3's event messages (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html), as stores and bridges
  // send them. OK when each file that they name is durably registered, was before, or is of no interest; else nothing is lost by sending
  // them again. UNAUTHENTICATED: not the source's token, or it takes none. INVALID_ARGUMENT: no such message.
  StatusOr<EventsTaken> TakeEvents(const std::string& name, std::string_view token, std::string_view body);

 private:
  ImportRepo& imports_;
  ScanRepo& scans_;
  const sources::Sources& sources_;
  const std::function<void()> begun_;
};

}  // namespace vora::metadata
