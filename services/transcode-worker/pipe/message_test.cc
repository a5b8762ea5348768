#include "services/transcode-worker/pipe/message.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

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
    EXPECT_TRUE(SendMessage(fds_[1], MessageType::kSegment, large).ok());
    EXPECT_TRUE(SendMessage(fds_[1], MessageType::kResult, "").ok());
  });
  vora::transcode::Message message;
  ASSERT_TRUE(ReceiveMessage(fds_[0], &message).ok());
  EXPECT_EQ(message.type, MessageType::kSegment);
  EXPECT_TRUE(message.payload == large);
  ASSERT_TRUE(ReceiveMessage(fds_[0], &message).ok());
  EXPECT_EQ(message.type, MessageType::kResult);
  EXPECT_EQ(message.payload, "");
  sender.join();
}

TEST_F(MessageTest, AHostileLengthIsRefusedAndAGoneSideIsSeen) {
  const uint64_t header[2] = {6, ~uint64_t{0}};
  ASSERT_EQ(write(fds_[1], header, sizeof header), static_cast<ssize_t>(sizeof header));
  Message message;
  EXPECT_EQ(ReceiveMessage(fds_[0], &message).code(), StatusCode::kInvalidArgument);
  close(fds_[1]);
  fds_[1] = -1;
  EXPECT_EQ(ReceiveMessage(fds_[0], &message).code(), StatusCode::kUnavailable);
  EXPECT_EQ(SendMessage(fds_[0], MessageType::kData, "x").code(), StatusCode::kUnavailable);
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
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->index, 7);
  EXPECT_EQ(back->duration, 120120);
  EXPECT_EQ(back->codecs, segment.codecs);
  EXPECT_EQ(back->init, segment.init);
  EXPECT_EQ(back->bytes, segment.bytes);
  for (size_t size = 0; size < packed.size(); ++size) {
    EXPECT_EQ(UnpackSegment(std::string_view(packed).substr(0, size)).status().code(), StatusCode::kInvalidArgument) << size;
  }
  const Status status = UnpackStatus(PackStatus(FailedPrecondition("media.empty: nothing")));
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(vora::Message(status), "media.empty: nothing");
  EXPECT_EQ(UnpackStatus("").code(), StatusCode::kInternal);
  EXPECT_EQ(UnpackRead(PackRead({5, 70000}))->length, 70000U);
  EXPECT_EQ(UnpackRead(PackRead({-1, 7})).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(UnpackRead(PackRead({0, 1U << 30})).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vora::transcode
