// Records on their way to a real ingest service: batches, bounds, outages, the end.

#include "services/streaming-gateway/records/delivery_log.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <thread>

#include <gmock/gmock.h>

#include "services/streaming-gateway/fixture_test.h"
#include "services/streaming-gateway/ingest_server_test.h"

namespace vora::gateway {
namespace {

using std::chrono::milliseconds;
using ::testing::Each;
using ::testing::Le;

Delivery Numbered(int i) {
  Delivery delivery;
  delivery.video_id = kVideo;
  delivery.session_id = "s";
  delivery.object = "720p/seg_" + std::to_string(i) + ".m4s";
  delivery.segment_index = i;
  delivery.time = SystemTime(std::chrono::nanoseconds(1'700'000'000'123'456'789 + i));
  return delivery;
}

class DeliveryLogTest : public ::testing::Test {
 protected:
  void Open() {
    if (!options_.send) options_.send = AnalyticsSender(ingest_.target());
    log_ = std::make_unique<DeliveryLog>(options_, metrics_);
  }
  void Add(int from, int to) {
    for (int i = from; i < to; ++i) log_->Add(Numbered(i));
  }
  double Dropped(const std::string& reason) const {
    return Value("vora_gateway_delivery_records_dropped_total{reason=\"" + reason + "\"}");
  }
  double Sent() const { return Value("vora_gateway_delivery_records_sent_total"); }
  double Value(const std::string& name) const {
    const std::string text = metrics_.Expose();
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }
  std::vector<int> Received() const {
    std::vector<int> indexes;
    for (const auto& record : ingest_.records()) indexes.push_back(record.segment_index());
    return indexes;
  }
  static std::vector<int> UpTo(int end) {
    std::vector<int> all(static_cast<size_t>(end));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }

  IngestServer ingest_;
  obs::Metrics metrics_;
  DeliveryLogOptions options_;
  std::unique_ptr<DeliveryLog> log_;
};

TEST_F(DeliveryLogTest, FullBatchesGoAtOnceAndTheRestAfterTheInterval) {
  options_.max_batch = 10;
  options_.interval = milliseconds(50);
  Open();
  Add(0, 25);
  EXPECT_TRUE(Eventually([&] { return Sent() == 25; }));
  EXPECT_EQ(Received(), UpTo(25));
  EXPECT_THAT(ingest_.batch_sizes(), Each(Le(10)));
  EXPECT_EQ(Dropped("queue_full"), 0);
  EXPECT_EQ(ingest_.records()[3].time().nanos(), 123'456'792);
  EXPECT_EQ(ingest_.records()[3].time().seconds(), 1'700'000'000);
}

TEST_F(DeliveryLogTest, AHangingIngestCostsABoundedQueueAndNoTime) {
  options_.capacity = 100;
  options_.max_batch = 10;
  options_.interval = milliseconds(10);
  ingest_.Hold();
  Open();
  Add(0, 5);
  ASSERT_TRUE(Eventually([&] { return ingest_.calls() == 1; }));
  const auto began = std::chrono::steady_clock::now();
  Add(5, 100'000);
  const auto each = (std::chrono::steady_clock::now() - began) / 100'000;
  EXPECT_LT(each, std::chrono::microseconds(200)) << "waits for somebody";
  EXPECT_EQ(Dropped("queue_full"), 100'000 - 100);
  ingest_.Release();
  EXPECT_TRUE(Eventually([&] { return Sent() == 100; }));
  Add(100'000, 100'001);
  EXPECT_TRUE(Eventually([&] { return Sent() == 101; })) << "there is room again";
}

TEST_F(DeliveryLogTest, ADeadIngestIsFoundAgain) {
  options_.interval = milliseconds(10);
  ingest_.Stop();
  Open();
  Add(0, 20);
  ingest_.Start();
  EXPECT_TRUE(Eventually([&] { return Sent() == 20; }));
  EXPECT_EQ(Received(), UpTo(20));
}

TEST_F(DeliveryLogTest, AFullSpoolIsAskedAgain) {
  options_.interval = milliseconds(10);
  ingest_.SetFull(true);
  Open();
  Add(0, 20);
  EXPECT_TRUE(Eventually([&] { return ingest_.calls() == 1; }));
  ingest_.SetFull(false);
  EXPECT_TRUE(Eventually([&] { return Sent() == 20; }));
  EXPECT_EQ(Received(), UpTo(20));
}

TEST_F(DeliveryLogTest, WhatIngestWillNeverTakeIsDroppedAndCounted) {
  std::atomic<int> calls{0};
  options_.interval = milliseconds(10);
  options_.send = [&](const std::vector<Delivery>& batch, milliseconds) -> StatusOr<int64_t> {
    if (calls++ == 0) return InvalidArgument("too many records");
    return static_cast<int64_t>(batch.size()) - 1;
  };
  Open();
  Add(0, 1);
  EXPECT_TRUE(Eventually([&] { return Dropped("refused") == 1; }));
  Add(1, 2);
  EXPECT_TRUE(Eventually([&] { return Dropped("refused") == 2; }));
  EXPECT_EQ(Sent(), 0);
}

TEST_F(DeliveryLogTest, ARepeatedBatchIsTheSameBatch) {
  std::vector<std::vector<Delivery>> seen;
  std::atomic<bool> done{false};
  options_.interval = milliseconds(10);
  options_.max_batch = 3;
  options_.send = [&](const std::vector<Delivery>& batch, milliseconds) -> StatusOr<int64_t> {
    seen.push_back(batch);
    if (seen.size() == 1) return DeadlineExceeded("the answer was lost");
    done = true;
    return static_cast<int64_t>(batch.size());
  };
  Open();
  Add(0, 3);
  EXPECT_TRUE(Eventually([&] { return done.load(); }));
  log_->Stop(milliseconds(100));
  ASSERT_EQ(seen.size(), 2u);
  ASSERT_EQ(seen[0].size(), seen[1].size());
  for (size_t i = 0; i < seen[0].size(); ++i) {
    EXPECT_EQ(seen[0][i].time, seen[1][i].time);
    EXPECT_EQ(seen[0][i].object, seen[1][i].object);
  }
}

TEST_F(DeliveryLogTest, TheEndSendsWhatWaits) {
  options_.interval = std::chrono::minutes(10);
  options_.max_batch = 10;
  Open();
  Add(0, 35);
  log_->Stop(milliseconds(1000));
  EXPECT_EQ(Received(), UpTo(35));
  EXPECT_EQ(Dropped("shutdown"), 0);
  log_->Add(Numbered(35));
  EXPECT_EQ(Dropped("shutdown"), 1);
}

TEST_F(DeliveryLogTest, TheEndDoesNotWaitForAnIngestThatHangsOrIsDead) {
  for (const bool dead : {false, true}) {
    obs::Metrics metrics;
    if (dead)
      ingest_.Stop();
    else
      ingest_.Hold();
    options_.interval = std::chrono::minutes(10);
    DeliveryLog log({.send = AnalyticsSender(ingest_.target()), .max_batch = 10, .interval = std::chrono::minutes(10)}, metrics);
    for (int i = 0; i < 35; ++i) log.Add(Numbered(i));
    const auto began = std::chrono::steady_clock::now();
    log.Stop(milliseconds(1000));
    EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(3000)) << (dead ? "dead" : "hanging");
    EXPECT_THAT(metrics.Expose(), ::testing::HasSubstr("vora_gateway_delivery_records_dropped_total{reason=\"shutdown\"} 35\n"));
    ingest_.Release();
  }
}

TEST_F(DeliveryLogTest, ManyThreadsLoseNothing) {
  options_.interval = milliseconds(5);
  options_.max_batch = 64;
  Open();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) threads.emplace_back([this, t] { Add(t * 1000, (t + 1) * 1000); });
  }
  EXPECT_TRUE(Eventually([&] { return Sent() == 4000; }));
  std::vector<int> received = Received();
  std::sort(received.begin(), received.end());
  EXPECT_EQ(received, UpTo(4000));
}

TEST_F(DeliveryLogTest, WithoutASenderThereIsNothing) {
  DeliveryLog log({}, metrics_);
  EXPECT_FALSE(log.enabled());
  log.Stop(milliseconds(0));
}

}  // namespace
}  // namespace vora::gateway
