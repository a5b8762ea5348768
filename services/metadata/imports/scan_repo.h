#pragma once

// Scans in PostgreSQL. Thread-safe.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/status.h"
#include "services/metadata/imports/import_repo.h"
#include "vora/metadata/v1/sources.pb.h"

namespace vora::metadata {

class Store;

// A scan that this replica goes on with.
struct ScanWork {
  std::string scan_id, tenant, source, token;
  int tries = 0;  // of the page that begins at the token, before this one
};

// A page of a source, looked through.
struct ScanPage {
  std::vector<NewImport> candidates;
  std::vector<std::pair<std::string, std::string>> failed;  // key, reason
  std::map<std::string, int64_t> skipped;                   // by reason
  std::string next_token;                                   // empty: it was the last
};

class ScanRepo {
 public:
  explicit ScanRepo(Store& store) : store_(store) {}

  // A new scan, or the one of this source that runs.
  StatusOr<v1::Scan> Begin(const std::string& tenant, const std::string& source);
  // The same unless one runs or began less than `interval` ago: of a source that is watched. True: begun.
  StatusOr<bool> BeginIfDue(const std::string& tenant, const std::string& source, std::chrono::milliseconds interval);
  StatusOr<v1::Scan> Get(const std::string& source, const std::string& scan_id);
  StatusOr<std::vector<v1::Scan>> List(const std::string& source, int limit);
  StatusOr<v1::ListScanFilesResponse> Files(const std::string& scan_id, const std::string& outcome, int64_t after, int limit);
  StatusOr<v1::Scan> Cancel(const std::string& source, const std::string& scan_id);

  // One that nobody is at, for as long as `lease`.
  StatusOr<std::optional<ScanWork>> Claim(std::chrono::milliseconds lease);
  // Registers the page's candidates, all but those known, and moves on to the next page; one transaction. False: the scan has ended, or
  // somebody else is further.
  StatusOr<bool> Advance(const ScanWork& work, const ScanPage& page, std::chrono::milliseconds lease);
  // The page is tried again after `delay`.
  Status Postpone(const ScanWork& work, std::chrono::milliseconds delay, const std::string& why);
  // Somebody goes on with it after `delay`; nothing went wrong.
  Status Yield(const ScanWork& work, std::chrono::milliseconds delay);
  // Whether `most` starts and more wait to be sent: what a scan adds to them would hold up everybody's.
  StatusOr<bool> MustWait(int most);
  Status Fail(const ScanWork& work, const std::string& why);
  // Forgets all but the newest `keep` of each source.
  Status Purge(int keep);

 private:
  Store& store_;
};

}  // namespace vora::metadata
