#include "services/transcode-worker/pipe/message.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "libs/core/error.h"
#include "libs/testing/status_matchers.h"

namespace vora::transcode {
namespace {

class MessageTest : public ::testing::Test {
 protected:
  MessageTest() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds_), 0); }
  ~MessageTest() override {
    close(fds_[0]);
    if (fds_[1] >= 0) close(fds_[1]);
  }
  int fds_[2] = {-1, -1};
};

TEST_F(MessageTest, LargeMessagesArriveWhole) {
  std::string large(5 << 20, 'x');
  large[1234567] = 'y';
  std::thread sender([&] {
    EXPECT_THAT(SendMessage(fds_[1], MessageType::kSegment, large), IsOk());
    EXPECT_THAT(SendMessage(fds_[1], MessageType::kResult, ""), IsOk());
  });
  vora::transcode::Message message;
  ASSERT_THAT(ReceiveMessage(fds_[0], &message), IsOk());
  EXPECT_EQ(message.type, MessageType::kSegment);
  EXPECT_TRUE(message.payload == large);
  ASSERT_THAT(ReceiveMessage(fds_[0], &message), IsOk());
  EXPECT_EQ(message.type, MessageType::kResult);
  EXPECT_EQ(message.payload, "");
  sender.join();
}

TEST_F(MessageTest, AHostileLengthIsRefusedAndAGoneSideIsSeen) {
  const uint64_t header[2] = {6, ~uint64_t{0}};
  ASSERT_EQ(write(fds_[1], header, sizeof header), static_cast<ssize_t>(sizeof header));
  Message message;
  EXPECT_THAT(ReceiveMessage(fds_[0], &message), StatusIs(StatusCode::kInvalidArgument));
  close(fds_[1]);
  fds_[1] = -1;
  EXPECT_THAT(ReceiveMessage(fds_[0], &message), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(SendMessage(fds_[0], MessageType::kData, "x"), StatusIs(StatusCode::kUnavailable));
}

TEST(Packing, RoundTripsAndSurvivesEveryTruncation) {
  media::EncodedSegment segment;
  segment.index = 7;
  segment.duration = 120120;
  segment.codecs = "avc1.640028";
  segment.init = "init";
  segment.bytes = std::string("a\0b", 3);
  const std::string packed = PackSegment(segment);
  const StatusOr<media::EncodedSegment> back = UnpackSegment(packed);
  ASSERT_THAT(back, IsOk());
  EXPECT_EQ(back->index, 7);
  EXPECT_EQ(back->duration, 120120);
  EXPECT_EQ(back->codecs, segment.codecs);
  EXPECT_EQ(back->init, segment.init);
  EXPECT_EQ(back->bytes, segment.bytes);
  for (size_t size = 0; size < packed.size(); ++size) {
    EXPECT_THAT(UnpackSegment(std::string_view(packed).substr(0, size)), StatusIs(StatusCode::kInvalidArgument)) << size;
  }
  const Status status = UnpackStatus(PackStatus(MakeError(errors::kMediaEmpty, "nothing")));
  EXPECT_THAT(status, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(vora::Message(status), "nothing");
  EXPECT_EQ(DetailOf(status).reason, "media.empty");
  EXPECT_THAT(UnpackStatus(""), StatusIs(StatusCode::kInternal));
  EXPECT_EQ(UnpackRead(PackRead({5, 70000}))->length, 70000U);
  EXPECT_THAT(UnpackRead(PackRead({-1, 7})), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(UnpackRead(PackRead({0, 1U << 30})), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace vora::transcode
