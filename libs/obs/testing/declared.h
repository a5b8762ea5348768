#pragma once

// For the test of a folder's metrics.h: what is declared follows the conventions, and is what metrics.txt beside the test says. After a
// change that is meant, run the test with VORA_UPDATE_GOLDEN=1, read the difference, and run docs/metrics.mjs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "libs/obs/family.h"

namespace vora::obs::testing {

// `test_file`: __FILE__ of the test.
inline void ExpectDeclared(const FamilySet& set, const std::string& test_file) {
  EXPECT_THAT(set.Faults(), ::testing::IsEmpty());
  const auto golden = std::filesystem::path(test_file).parent_path() / "metrics.txt";
  if (std::getenv("VORA_UPDATE_GOLDEN") != nullptr) std::ofstream(golden) << set.Describe();
  std::ifstream file(golden);
  const std::string expected{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(set.Describe(), expected) << "the metrics of " << set.folder() << " are others than " << golden << " says";
}

}  // namespace vora::obs::testing
