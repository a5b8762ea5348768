#pragma once

// Goes through sources that are to be scanned, a page at a time; begins scans of those that are watched. Thread-safe.

#include <chrono>

#include "libs/run/periodic.h"
#include "libs/sources/sources.h"
#include "services/metadata/imports/scan_repo.h"

namespace vora::metadata {

class Scanner {
 public:
  // Both must outlive it.
  Scanner(ScanRepo& scans, const sources::Sources& sources);
  void Start() { thread_.Start(); }
  // There is a scan to begin.
  void Wake() { thread_.Wake(); }
  // After the page in progress; the scan goes on elsewhere. Safe to call twice.
  void Stop() { thread_.Stop(); }

 private:
  std::chrono::milliseconds Step();
  void BeginWatched();
  // All pages of a scan, until it ends or waits.
  void Scan(ScanWork work);
  void GiveBack(const ScanWork& work, const Status& why);

  ScanRepo& scans_;
  const sources::Sources& sources_;
  std::chrono::steady_clock::time_point next_purge_{};
  Periodic thread_;
};

// What a page of a source comes to before it is compared with what is known. Pure.
ScanPage LookThrough(const sources::Source& source, const storage::ListPage& page);

}  // namespace vora::metadata
