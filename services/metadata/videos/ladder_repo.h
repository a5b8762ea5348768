#pragma once

// Ladders in PostgreSQL. Thread-safe.

#include <string>
#include <vector>

#include "libs/core/status.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::metadata {

class Store;

struct StoredLadder {
  media::v1::Ladder ladder;
  bool is_default = false;
};

class LadderRepo {
 public:
  explicit LadderRepo(Store& store) : store_(store) {}
  // Stores `ladder` under its name and makes it the one new videos of `tenant` are encoded with. Videos keep the ladder they began with.
  Status PutDefault(const std::string& tenant, const media::v1::Ladder& ladder);
  // By name. A tenant that has none of its own has those of `default`.
  StatusOr<std::vector<StoredLadder>> List(const std::string& tenant);

 private:
  Store& store_;
};

}  // namespace vora::metadata
