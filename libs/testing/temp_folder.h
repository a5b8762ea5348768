#pragma once

// An empty folder of its own, gone with the object. VORA_KEEP_TEST_FILES in the environment keeps it, for a look.

#include <filesystem>
#include <string>

namespace vora {

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The path of something inside: folder / "name".
inline std::string operator/(const TempFolder& folder, const std::string& name) { return folder.path() + "/" + name; }

}  // namespace vora
