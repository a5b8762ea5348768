#pragma once

// One connection to libchdb. Thread-safe: queries wait for each other.

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::tests {

struct EngineQuery {
  std::string database = "default";
  std::string sql;
  std::string rows;  // of an INSERT ... FORMAT f without rows of its own
  std::map<std::string, std::string> settings;
};

class Engine {
 public:
  // INVALID_ARGUMENT: no such library, or it cannot open the folder.
  static StatusOr<std::unique_ptr<Engine>> Open(const std::string& library, const std::string& folder);
  ~Engine();
  // The answer, TabSeparated unless the query says otherwise. UNKNOWN: the engine's own text, "Code: N. DB::Exception: ...".
  StatusOr<std::string> Run(const EngineQuery& query);

 private:
  Engine();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::tests
