#include "services/cli/resume_store.h"

#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"

namespace vora::cli {

namespace fs = std::filesystem;

StatusOr<FileIdentity> IdentifyFile(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  const auto status = fs::status(absolute, error);
  if (status.type() == fs::file_type::not_found) return NotFound(path + ": no such file");
  if (error) return InvalidArgument(path + ": " + error.message());
  if (!fs::is_regular_file(status)) return InvalidArgument(path + ": not a regular file");
  FileIdentity file{.path = absolute, .size = static_cast<int64_t>(fs::file_size(absolute, error)), .modified_ns = 0};
  file.modified_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(fs::last_write_time(absolute, error).time_since_epoch()).count();
  if (error) return InvalidArgument(path + ": " + error.message());
  return file;
}

ResumeStore::ResumeStore(fs::path folder) : folder_(std::move(folder)) {}

ResumeStore ResumeStore::ForUser() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0')
    return ResumeStore(fs::path(cache) / "vora" / "uploads");
  const char* home = std::getenv("HOME");
  return ResumeStore(fs::path(home != nullptr ? home : "/tmp") / ".cache" / "vora" / "uploads");
}

fs::path ResumeStore::EntryPath(const FileIdentity& file, const std::string& endpoint) const {
  const std::string identity =
      file.path.string() + '\n' + std::to_string(file.size) + '\n' + std::to_string(file.modified_ns) + '\n' + endpoint;
  return folder_ / HexEncode(Sha256(identity)).substr(0, 32);
}

std::optional<std::string> ResumeStore::Find(const FileIdentity& file, const std::string& endpoint) const {
  std::ifstream in(EntryPath(file, endpoint));
  std::string url;
  if (!std::getline(in, url) || url.empty()) return std::nullopt;
  return url;
}

void ResumeStore::Remember(const FileIdentity& file, const std::string& endpoint, const std::string& upload_url) const {
  std::error_code error;
  fs::create_directories(folder_, error);
  const fs::path path = EntryPath(file, endpoint);
  // Written beside and renamed, so that an interrupted command leaves the old entry or the new one, but no half URL.
  std::ofstream(path.string() + ".new") << upload_url << '\n';
  fs::rename(path.string() + ".new", path, error);  // best effort: without it the upload cannot be resumed, but still succeeds
}

void ResumeStore::Forget(const FileIdentity& file, const std::string& endpoint) const {
  std::error_code error;
  fs::remove(EntryPath(file, endpoint), error);
}

}  // namespace vora::cli
