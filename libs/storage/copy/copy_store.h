#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "libs/storage/copy/copy_object.h"

namespace vora::storage {

struct CopyOptions {
  enum class Only { kAll, kRaw, kProcessed };
  Only only = Only::kAll;           // one root of the two (libs/storage/roots.h)
  bool verify = false;              // what is there already is read on both sides and compared, in place of going by size and time
  bool dry_run = false;             // nothing is written
  bool without_unfinished = false;  // uploads that are not finished are left out; else they are an error
  int threads = 8;
};

// What has come of it so far; read while it runs.
struct CopyCounts {
  std::atomic<int64_t> objects{0}, bytes{0};              // that there are to be looked at
  std::atomic<int64_t> copied{0}, skipped{0}, failed{0};  // objects; with dry_run `copied` is what would be
  std::atomic<int64_t> bytes_copied{0}, bytes_skipped{0};
  std::atomic<int64_t> left_out{0};  // objects of unfinished uploads
};

// Copies every object of `from` that is not in `to` yet, on several threads. One is taken for there already when it has the same size and
// content type and is not older than the source: an object appears whole or not at all, and those of Vora are written once. `on_failure` is
// called for each object that failed, by one thread at a time. OK: counts say the rest. FAILED_PRECONDITION: there are unfinished uploads,
// whose bytes lie in parts that no copy can have. CANCELLED: stopped. Whatever else ended it: a store that could not be listed, or that
// failed twenty times in a row.
Status CopyStore(ObjectStore& from, ObjectStore& to, const CopyOptions& options, CopyCounts& counts, const Stopped& stopped,
                 const std::function<void(const std::string& key, const Status& status)>& on_failure);

}  // namespace vora::storage
