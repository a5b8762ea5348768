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
  bool verify = false;              // what is there already is read on both sides and compared, in place of going by what it is a copy of
  bool dry_run = false;             // nothing is written or deleted
  bool without_unfinished = false;  // uploads that are not finished are left out; else they are an error
  bool overwrite = false;           // what no copy wrote is replaced too where it differs; else it is a failure
  bool remove = false;              // what was copied once, and is not in the source any more, is deleted
  bool allow_empty = false;         // with `remove`: although the source holds nothing of a root
  int threads = 8;
};

// What has come of it so far; read while it runs.
struct CopyCounts {
  std::atomic<int64_t> objects{0}, bytes{0};              // that there are to be looked at
  std::atomic<int64_t> copied{0}, skipped{0}, failed{0};  // objects; with dry_run `copied` is what would be
  std::atomic<int64_t> bytes_copied{0}, bytes_skipped{0};
  std::atomic<int64_t> left_out{0};        // objects of unfinished uploads
  std::atomic<int64_t> foreign{0};         // objects of the source that are none of Vora's: they stay where they are
  std::atomic<int64_t> gone{0};            // copies of what the source holds no more; with `remove` they are deleted
  std::atomic<int64_t> deleted{0};         // of these; with dry_run none
  std::atomic<int64_t> only_in_target{0};  // what the source does not hold either, and no copy wrote: it is never deleted
};

// Copies every object of Vora's in `from` that is not in `to` yet, on several threads; then looks at both once more, for what changed and
// for what is gone. Each copy bears the address of the store that it was made of and the ETag there. So one is there already when it names
// the source and has its ETag, size and content type, or the source names it (a copy on its way back); what names neither is read on both
// sides and compared. Only what names this source is replaced or deleted unasked. No clock is asked. What is damaged in `from` is a failure
// each. `on_failure` is called for each object that failed, by one thread at a time. OK: counts say the rest, and without failures `to` has
// all that `from` held at the end. INVALID_ARGUMENT: both are one place. FAILED_PRECONDITION: there are unfinished uploads, whose bytes lie
// in parts that no copy can have; or with `remove` there is nothing in `from` of a root, all of whose copies would be deleted. ABORTED:
// `from` changed meanwhile, and the next run brings the rest. CANCELLED: stopped. Whatever else ended it: a store that could not be listed,
// or that failed twenty times in a row.
Status CopyStore(ObjectStore& from, ObjectStore& to, const CopyOptions& options, CopyCounts& counts, const Stopped& stopped,
                 const std::function<void(const std::string& key, const Status& status)>& on_failure);

}  // namespace vora::storage
