#include "services/transcode-worker/activities/source_reader.h"

#include <gtest/gtest.h>

#include "libs/media/testing/test_media.h"
#include "libs/storage/open_store.h"
#include "libs/testing/status_matchers.h"

namespace vora::transcode {
namespace {

class SourceReaderTest : public ::testing::Test {
 protected:
  SourceReaderTest() : store_(*storage::OpenObjectStore("file://" + folder_ / "store", metrics_)) {
    for (int i = 0; i < 100000; ++i) content_ += std::to_string(i) + ",";
    EXPECT_THAT(store_->Put("raw/u/original", content_, {}), IsOk());
  }
  TempFolder folder_;
  obs::Metrics metrics_;
  std::unique_ptr<storage::ObjectStore> store_;
  std::string content_;
};

TEST_F(SourceReaderTest, GivesTheSameBytesInAnyOrderThroughASmallCache) {
  SourceReaderOptions options;
  options.block_bytes = 4096;
  options.cached_blocks = 3;
  auto reader = SourceReader::Open(*store_, "raw/u/original", nullptr, options);
  ASSERT_THAT(reader, IsOk());
  EXPECT_EQ((*reader)->size(), static_cast<int64_t>(content_.size()));
  for (int64_t offset = 0; offset < (*reader)->size(); offset += 5000) {
    ASSERT_EQ(*(*reader)->Read(offset, 5000), content_.substr(static_cast<size_t>(offset), 5000));
  }
  uint32_t random = 1;
  for (int i = 0; i < 500; ++i) {
    random = random * 1664525 + 1013904223;
    const int64_t offset = random % content_.size();
    ASSERT_EQ(*(*reader)->Read(offset, 9000), content_.substr(static_cast<size_t>(offset), 9000));
  }
  EXPECT_EQ(*(*reader)->Read((*reader)->size(), 10), "");
  EXPECT_EQ(*(*reader)->Read((*reader)->size() + 5, 10), "");
}

TEST_F(SourceReaderTest, NamesAMissingSource) {
  EXPECT_THAT(SourceReader::Open(*store_, "raw/none", nullptr), StatusIs(StatusCode::kNotFound));
}

TEST(WaitOutFaults, RepeatsTransientFaultsOnlyUntilPatienceEnds) {
  int calls = 0;
  EXPECT_THAT(WaitOutFaults(std::chrono::seconds(10), nullptr, [&] { return ++calls < 3 ? Unavailable("away") : Status(); }), IsOk());
  EXPECT_EQ(calls, 3);
  calls = 0;
  EXPECT_THAT(WaitOutFaults(std::chrono::seconds(10), nullptr, [&] { return ++calls, NotFound("none"); }), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(calls, 1);
  calls = 0;
  EXPECT_EQ(WaitOutFaults(std::chrono::milliseconds(0), nullptr, [&] { return ++calls, Unavailable("away"); }).code(),
            StatusCode::kUnavailable);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(WaitOutFaults(
                std::chrono::seconds(100), [] { return true; }, [&] { return Unavailable("away"); })
                .code(),
            StatusCode::kUnavailable);
}

}  // namespace
}  // namespace vora::transcode
