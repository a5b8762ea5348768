#pragma once

// Remembers where an unfinished upload of a file goes on, in the user's cache folder, so that the same command resumes it.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "libs/core/status.h"

namespace vora::cli {

// A file as it is now: a changed file is another upload.
struct FileIdentity {
  std::filesystem::path path;  // absolute
  int64_t size = 0;
  int64_t modified_ns = 0;
};
// NOT_FOUND, INVALID_ARGUMENT (not a regular file); the messages name the path.
StatusOr<FileIdentity> IdentifyFile(const std::string& path);

class ResumeStore {
 public:
  explicit ResumeStore(std::filesystem::path folder);  // made when first written
  static ResumeStore ForUser();                        // $XDG_CACHE_HOME/vora/uploads or ~/.cache/vora/uploads

  std::optional<std::string> Find(const FileIdentity& file, const std::string& endpoint) const;
  void Remember(const FileIdentity& file, const std::string& endpoint, const std::string& upload_url) const;
  void Forget(const FileIdentity& file, const std::string& endpoint) const;

 private:
  std::filesystem::path EntryPath(const FileIdentity& file, const std::string& endpoint) const;
  std::filesystem::path folder_;
};

}  // namespace vora::cli
