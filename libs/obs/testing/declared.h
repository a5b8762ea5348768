#pragma once

// For the test of a folder's metrics.h: what is declared follows the conventions, and is what metrics.txt beside the test says. After a
// change that is meant, run the test with VORA_UPDATE_GOLDEN=1, read the difference, and run docs/metrics.mjs. The checkout is
// VORA_SOURCE_DIR (ctest sets it), else the working directory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "libs/obs/family.h"

namespace vora::obs::testing {

inline void ExpectDeclared(const FamilySet& set) {
  EXPECT_THAT(set.Faults(), ::testing::IsEmpty());
  const char* checkout = std::getenv("VORA_SOURCE_DIR");
  const auto golden = std::filesystem::path(checkout != nullptr ? checkout : ".") / set.folder() / "metrics.txt";
  if (std::getenv("VORA_UPDATE_GOLDEN") != nullptr) std::ofstream(golden) << set.Describe();
  std::ifstream file(golden);
  const std::string expected{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(set.Describe(), expected) << "the metrics of " << set.folder() << " are others than " << golden << " says";
}

}  // namespace vora::obs::testing
