#include "services/transcode-worker/pipe/frame_ring.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

namespace vora::transcode {
namespace {

TEST(FrameRing, FramesArriveInOrderThroughFewSlots) {
  const media::FrameLayout layout(64, 48);
  auto worker = *FrameRing::Create(layout);
  auto producer = *FrameRing::Map(dup(worker->fd()), layout);
  auto consumer = *FrameRing::Map(dup(worker->fd()), layout);
  constexpr int kFrames = 5000;
  std::thread decoder([&] {
    producer->SetColor({1, 13, 6});
    for (int i = 0; i < kFrames; ++i) {
      uint8_t* slot = producer->Acquire();
      ASSERT_NE(slot, nullptr);
      slot[0] = static_cast<uint8_t>(i);
      slot[layout.bytes - 1] = static_cast<uint8_t>(i >> 8);
      producer->Commit();
    }
  });
  for (int i = 0; i < kFrames; ++i) {
    const uint8_t* slot = consumer->Take();
    ASSERT_NE(slot, nullptr);
    ASSERT_EQ(slot[0] | slot[layout.bytes - 1] << 8, i);
    consumer->Release();
  }
  decoder.join();
  EXPECT_EQ(consumer->color().transfer, 13);
  EXPECT_EQ(worker->read(), static_cast<uint32_t>(kFrames));
}

TEST(FrameRing, ClosingFreesWhoeverWaits) {
  const media::FrameLayout layout(64, 48);
  auto worker = *FrameRing::Create(layout);
  auto producer = *FrameRing::Map(dup(worker->fd()), layout);
  auto consumer = *FrameRing::Map(dup(worker->fd()), layout);
  std::thread full([&] {
    for (uint32_t i = 0; i < FrameRing::Slots(layout); ++i) {
      if (producer->Acquire() == nullptr) return;
      producer->Commit();
    }
    EXPECT_EQ(producer->Acquire(), nullptr);
  });
  worker->Close();
  full.join();
  EXPECT_EQ(producer->Acquire(), nullptr);
  // What was written before is still given out.
  while (consumer->Take() != nullptr) {
  }
  EXPECT_TRUE(consumer->closed());
}

TEST(FrameRing, ChildrenCannotShrinkTheMemory) {
  auto worker = *FrameRing::Create(media::FrameLayout(64, 48));
  EXPECT_NE(ftruncate(worker->fd(), 0), 0);
}

TEST(FrameRing, MemoryIsBounded) {
  EXPECT_EQ(FrameRing::Slots(media::FrameLayout(640, 360)), 32U);
  EXPECT_EQ(FrameRing::Slots(media::FrameLayout(1920, 1080)), 16U);
  EXPECT_EQ(FrameRing::Slots(media::FrameLayout(7680, 4320)), 4U);
}

}  // namespace
}  // namespace vora::transcode
