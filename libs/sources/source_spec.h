#pragma once

// What VORA_SOURCES says: `NAME=URL;NAME=URL`.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace vora::sources {

// What the setting is, for --help.
extern const char kSourcesHelp[];

enum class ImportMode {
  kCopy,    // into raw/, and encoded from there
  kDirect,  // encoded from where it lies; it has to stay there while it is
};

struct SourceSpec {
  std::string name;  // 1 to 40 of a-z 0-9 -
  std::string url;   // of the store: file:///PATH or s3://BUCKET/PREFIX?endpoint=..., without what follows here
  std::string tenant;
  ImportMode mode = ImportMode::kCopy;
  std::chrono::milliseconds watch{0};      // scanned again and again after so long; 0: when somebody asks
  std::chrono::milliseconds settle{5000};  // a file that changed less than so long ago is waited for
  std::string ladder;                      // that its files are encoded with, by name; empty: the tenant's default
  std::string events_token;                // lets a bucket's notifications in; empty: none are taken
};

using Getenv = std::function<std::optional<std::string>(const std::string& name)>;

// The keys of source `archive` are VORA_SOURCE_ARCHIVE_ACCESS_KEY, _SECRET_KEY and _EVENTS_TOKEN: SourceVariable("archive", "SECRET_KEY").
std::string SourceVariable(std::string_view name, std::string_view what);

// INVALID_ARGUMENT naming VORA_SOURCES, the source and what is wrong.
StatusOr<std::vector<SourceSpec>> ParseSources(std::string_view text, const Getenv& getenv);

}  // namespace vora::sources
