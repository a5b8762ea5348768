#pragma once

// The sources of this installation, opened. Thread-safe once made.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/sources/source_spec.h"
#include "libs/storage/base/object_store.h"

namespace vora::obs {
class Metrics;
}

namespace vora::sources {

struct Source {
  SourceSpec spec;
  std::unique_ptr<storage::ObjectStore> store;  // only read
};

class Sources {
 public:
  // Connects to none of them. INVALID_ARGUMENT naming VORA_SOURCES, the source and what is wrong.
  static StatusOr<Sources> Open(std::string_view text, const Getenv& getenv, obs::Metrics& metrics);
  static StatusOr<Sources> OpenFromEnvironment(std::string_view text, obs::Metrics& metrics);
  Sources() = default;

  // NOT_FOUND naming `source` when there is none of this name.
  StatusOr<const Source*> Find(std::string_view name) const;
  // The same when it is another tenant's.
  StatusOr<const Source*> FindOf(const std::string& tenant, std::string_view name) const;
  std::vector<const Source*> all() const;

 private:
  std::map<std::string, Source, std::less<>> by_name_;
};

}  // namespace vora::sources
