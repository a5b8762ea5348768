#include "libs/core/version.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace vora {
namespace {

// A file of the checkout: VORA_SOURCE_DIR (ctest sets it), else the working directory.
std::string OfCheckout(const std::string& path) {
  const char* checkout = std::getenv("VORA_SOURCE_DIR");
  std::ifstream file((checkout != nullptr ? std::string(checkout) + "/" : "") + path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The version is at home in CMakeLists.txt. What is read by programs that cannot ask there says the same.
TEST(VersionTest, WhatCannotAskCMakeSaysTheSame) {
  const std::string version(Version());
  const std::pair<std::string, std::string> places[] = {
      {"deploy/docker/Dockerfile", "\nARG VERSION=" + version + "\n"},
      {"deploy/kubernetes/overlays/prod/kustomization.yaml", "{name: vora, newName: registry.example.com/vora, newTag: " + version + "}\n"},
      {"CHANGELOG.md", "\n## " + version + " - "},
  };
  for (const auto& [path, words] : places) {
    EXPECT_NE(OfCheckout(path).find(words), std::string::npos) << path << " does not have, as CMakeLists.txt would: " << words;
  }
}

}  // namespace
}  // namespace vora
