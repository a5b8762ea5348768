#pragma once

// Ladders in PostgreSQL. Thread-safe.

#include <optional>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "vora/metadata/v1/ladders.pb.h"

namespace vora::metadata {

class Store;

struct PutLadder {
  v1::StoredLadder ladder;
  bool created = false;  // there was none of this name
};

// Answers come without `warnings`. For errors see LadderService.
class LadderRepo {
 public:
  explicit LadderRepo(Store& store) : store_(store) {}
  // At the start of every replica: the shipped ladders, and the one that the installation is configured with, which is the default of
  // all tenants from when it is new. What people made is left alone.
  Status Install(const std::vector<media::v1::Ladder>& shipped, const std::optional<media::v1::Ladder>& configured);
  // By name.
  StatusOr<std::vector<v1::StoredLadder>> List(const std::string& tenant);
  StatusOr<v1::StoredLadder> Get(const std::string& tenant, const std::string& name, int version);
  // A valid ladder; its version, if any, is the one that is changed.
  StatusOr<PutLadder> Put(const std::string& tenant, const media::v1::Ladder& ladder);
  Status Delete(const std::string& tenant, const std::string& name);
  StatusOr<v1::StoredLadder> SetDefault(const std::string& tenant, const std::string& name);

 private:
  Store& store_;
};

}  // namespace vora::metadata
