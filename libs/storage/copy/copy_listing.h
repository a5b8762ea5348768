#pragma once

// Which objects there are to be copied.

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libs/storage/base/object_store.h"
#include "libs/storage/copy/copy_object.h"
#include "libs/storage/copy/copy_store.h"

namespace vora::storage {

// Of what libs/layout knows, those of the roots that `only` says. Probes are nobody's.
bool IsCopied(std::string_view key, CopyOptions::Only only);

// It promises bytes that lie in parts, which no copy can have.
StatusOr<bool> IsUnfinished(ObjectStore& store, const std::string& upload_id);

// All objects of a store that are copied, in order, for many threads.
class Listing {
 public:
  Listing(ObjectStore& store, CopyOptions::Only only);
  // nullopt: no more.
  StatusOr<std::optional<ObjectInfo>> Next();
  // So many have been passed over that are none of Vora's.
  int64_t foreign() const { return foreign_; }
  // Those that are there and cannot be read.
  const std::vector<Unusable>& damaged() const { return damaged_; }

 private:
  ObjectStore& store_;
  const CopyOptions::Only only_;
  const std::string prefix_;
  std::mutex mutex_;
  ListPage page_;
  size_t at_ = 0;
  bool begun_ = false;
  int64_t foreign_ = 0;
  std::vector<Unusable> damaged_;
};

// What a store holds at a moment.
struct Holdings {
  std::set<std::string> unfinished;  // uploads
  int64_t objects = 0, bytes = 0;    // without those of unfinished uploads
  int64_t processed = 0;             // of the objects
  int64_t left_out = 0;              // objects of unfinished uploads
  int64_t foreign = 0;
  std::vector<Unusable> damaged;
  std::string digest;  // of keys, sizes and ETags: the same while nothing has changed

  bool IsOfUnfinished(std::string_view key) const;
};
StatusOr<Holdings> LookAt(ObjectStore& store, CopyOptions::Only only, const Stopped& stopped);

}  // namespace vora::storage
