#include "services/transcode-worker/activities/publisher.h"

#include <gtest/gtest.h>

#include "libs/storage/open_store.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::transcode {
namespace {

class PublisherTest : public ::testing::Test {
 protected:
  PublisherTest() { store_ = storage::OpenObjectStore("file://" + folder_.path(), metrics_).value(); }

  const TempFolder folder_;
  obs::Metrics metrics_;
  std::unique_ptr<storage::ObjectStore> store_;
};

TEST_F(PublisherTest, AnInitSegmentOfAnotherEncoderIsNeverMixedIn) {
  const Publisher publisher(*store_, std::chrono::milliseconds(100));
  EXPECT_THAT(publisher.PutSame("t/init.mp4", "one", "video/mp4", nullptr), IsOk());
  EXPECT_THAT(publisher.PutSame("t/init.mp4", "one", "video/mp4", nullptr), IsOk());
  EXPECT_THAT(publisher.PutSame("t/init.mp4", "two", "video/mp4", nullptr), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(store_->Get("t/init.mp4").value_or("?"), "one");
}

TEST_F(PublisherTest, AStoppedTaskReplacesNothing) {
  const Publisher publisher(*store_, std::chrono::milliseconds(100));
  EXPECT_THAT(publisher.Replace("master.m3u8", "new", "text/plain", [] { return false; }), IsOk());
  EXPECT_THAT(publisher.Replace("master.m3u8", "old", "text/plain", [] { return true; }), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(store_->Get("master.m3u8").value_or("?"), "new");
}

}  // namespace
}  // namespace vora::transcode
