#include "libs/testing/temp_folder.h"

#include <stdlib.h>

#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace vora {

TempFolder::TempFolder() : path_((std::filesystem::temp_directory_path() / "vora-test-XXXXXX").string()) {
  if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make a folder " + path_);
}

TempFolder::~TempFolder() {
  if (std::getenv("VORA_KEEP_TEST_FILES") != nullptr) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace vora
