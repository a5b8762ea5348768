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
  EXPECT_THAT(publisher.PutSame("t/init.mp4", "one", "video/mp4", {}), IsOk());
  EXPECT_THAT(publisher.PutSame("t/init.mp4", "one", "video/mp4", {}), IsOk());
  EXPECT_THAT(publisher.PutSame("t/init.mp4", "two", "video/mp4", {}), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(store_->Get("t/init.mp4").value_or("?"), "one");
}

// A worker that thaws has in hand what its children made before they saw that it was over; the video may be deleted.
TEST_F(PublisherTest, AnAttemptWhoseLeaseIsLostWritesNothing) {
  const Publisher publisher(*store_, std::chrono::milliseconds(100));
  const Writer lost{.stopping = [] { return true; }, .disowned = [] { return true; }};
  EXPECT_THAT(publisher.Replace("master.m3u8", "new", "text/plain", {}), IsOk());
  EXPECT_THAT(publisher.Replace("master.m3u8", "old", "text/plain", lost), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(store_->Get("master.m3u8").value_or("?"), "new");
  EXPECT_THAT(publisher.PutOnce("t/seg_1.m4s", "late", "video/mp4", lost), StatusIs(StatusCode::kAborted));
  EXPECT_THAT(publisher.PutSame("t/init.mp4", "late", "video/mp4", lost), StatusIs(StatusCode::kAborted));
  EXPECT_THAT(store_->Head("t/seg_1.m4s"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(store_->Head("t/init.mp4"), StatusIs(StatusCode::kNotFound));
}

TEST_F(PublisherTest, AnAttemptThatIsOnlyAskedToLeaveStillWritesWhatIsDone) {
  const Publisher publisher(*store_, std::chrono::milliseconds(100));
  const Writer leaving{.stopping = [] { return true; }, .disowned = [] { return false; }};
  EXPECT_THAT(publisher.PutOnce("t/seg_1.m4s", "done", "video/mp4", leaving), IsOk());
  EXPECT_EQ(store_->Get("t/seg_1.m4s").value_or("?"), "done");
}

}  // namespace
}  // namespace vora::transcode
