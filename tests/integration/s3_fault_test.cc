// The S3 store behind a door in which connections are cut, refused and stalled. Every test ends in recovery.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include "libs/core/ids.h"
#include "libs/storage/s3/s3_store.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/tcp_gate.h"

namespace vora::storage {
namespace {

class S3Faults : public testing::Test {
 protected:
  void SetUp() override {
    const char* url = std::getenv("VORA_TEST_S3");
    if (url == nullptr || *url == '\0') GTEST_SKIP() << "VORA_TEST_S3 is not set";
    auto config = ParseS3Url(url, [](const std::string& name) {
      const char* value = std::getenv(name.c_str());
      return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    });
    ASSERT_THAT(config, IsOk());
    config_ = *config;
    size_t colon = config_.authority.rfind(':');
    ASSERT_NE(colon, std::string::npos) << "the fault tests need an endpoint with a port";
    gate_.emplace(config_.authority.substr(0, colon), std::stoi(config_.authority.substr(colon + 1)));
    config_.authority = "127.0.0.1:" + std::to_string(gate_->port());
    config_.retry.initial = std::chrono::milliseconds(20);
    store_.emplace(config_);
  }
  void TearDown() override {
    if (!store_) return;
    gate_->Pass();
    EXPECT_THAT(store_->DeletePrefix(prefix_), IsOk());
  }
  std::string Key(const std::string& name) const { return prefix_ + name; }
  static std::string Bytes(size_t size) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 2654435761U) >> 13);
    return bytes;
  }
  static StatusOr<std::string> ReadAll(ObjectReader& reader) {
    std::string all, piece(100'000, '\0');
    while (true) {
      VORA_ASSIGN_OR_RETURN(size_t n, reader.Read(piece.data(), piece.size()));
      if (n == 0) return all;
      all.append(piece, 0, n);
    }
  }

  const std::string prefix_ = "faults-" + NewId() + "/";
  S3Config config_;
  std::optional<TcpGate> gate_;  // before the store, which must be gone first
  std::optional<S3ObjectStore> store_;
};

TEST_F(S3Faults, ReadGoesOnWhereItWasCut) {
  std::string bytes = Bytes(12 << 20);
  ASSERT_THAT(store_->Put(Key("big"), bytes, {}), IsOk());
  gate_->CutAnswers(2, 3'000'000);
  auto reader = store_->Open(Key("big"), 0, -1);
  ASSERT_THAT(reader, IsOk());
  auto read = ReadAll(**reader);
  ASSERT_THAT(read, IsOk());
  EXPECT_TRUE(*read == bytes);
  EXPECT_EQ(gate_->cut(), 2);
}

TEST_F(S3Faults, ReadFailsAsUnavailableWhileTheStoreIsAwayThenWorks) {
  std::string bytes = Bytes(12 << 20);
  ASSERT_THAT(store_->Put(Key("big"), bytes, {}), IsOk());
  auto reader = store_->Open(Key("big"), 0, -1);
  ASSERT_THAT(reader, IsOk());
  gate_->Refuse();
  EXPECT_THAT(ReadAll(**reader), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(store_->Head(Key("big")), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(store_->Put(Key("x"), "x", {}), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(S3ObjectStore(config_).Ping(), StatusIs(StatusCode::kUnavailable));
  gate_->Pass();
  EXPECT_THAT(S3ObjectStore(config_).Ping(), IsOk());
  EXPECT_TRUE(store_->Get(Key("big")).value_or("") == bytes);
}

TEST_F(S3Faults, ReadDoesNotMixTwoObjects) {
  std::string before = Bytes(12 << 20), after(12 << 20, 'n');
  ASSERT_THAT(store_->Put(Key("big"), before, {}), IsOk());
  gate_->CutAnswers(1, 3'000'000);
  auto reader = store_->Open(Key("big"), 0, -1);
  ASSERT_THAT(reader, IsOk());
  ASSERT_THAT(store_->Put(Key("big"), after, {}), IsOk());
  EXPECT_THAT(ReadAll(**reader), StatusIs(StatusCode::kUnavailable));
  EXPECT_TRUE(store_->Get(Key("big")).value_or("") == after);
}

TEST_F(S3Faults, LostAnswersOfConditionalWritesAreRecognised) {
  PutOptions once;
  once.if_absent = true;
  gate_->CutAnswers(1, 0);
  auto first = store_->Put(Key("state"), "mine", once);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(gate_->cut(), 1);
  // The very same bytes from someone else are not one's own.
  EXPECT_THAT(store_->Put(Key("state"), "mine", once), StatusIs(StatusCode::kAlreadyExists));
  PutOptions swap;
  swap.if_match = first->etag;
  gate_->CutAnswers(1, 0);
  auto second = store_->Put(Key("state"), "mine, later", swap);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(gate_->cut(), 2);
  EXPECT_THAT(store_->Put(Key("state"), "stale", swap), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(store_->Get(Key("state")).value_or("?"), "mine, later");
}

TEST_F(S3Faults, MultipartOutlivesLostAnswers) {
  MultipartOptions options;
  options.part_size = 5 << 20;
  std::string part = Bytes(5 << 20);
  auto id = store_->CreateMultipart(Key("m"), options);
  ASSERT_THAT(id, IsOk());
  gate_->CutAnswers(1, 0);
  auto one = store_->UploadPart(Key("m"), *id, 1, part);
  ASSERT_THAT(one, IsOk());
  auto two = store_->UploadPart(Key("m"), *id, 2, "tail");
  ASSERT_THAT(two, IsOk());
  gate_->CutAnswers(1, 0);
  auto info = store_->CompleteMultipart(Key("m"), *id, {*one, *two});
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->size, (5 << 20) + 4);
  EXPECT_EQ(gate_->cut(), 2);
  EXPECT_TRUE(store_->Get(Key("m")).value_or("") == part + "tail");
}

TEST_F(S3Faults, RetriesUntilTheStoreIsBack) {
  ASSERT_THAT(store_->Put(Key("k"), "v", {}), IsOk());
  gate_->CutAnswers(3, 0);
  EXPECT_EQ(store_->Get(Key("k")).value_or("?"), "v");
  EXPECT_EQ(gate_->cut(), 3);
}

TEST_F(S3Faults, StalledStoreEndsInADeadline) {
  ASSERT_THAT(store_->Put(Key("k"), "v", {}), IsOk());
  S3Config hasty = config_;
  hasty.stall_timeout = hasty.request_timeout = std::chrono::milliseconds(1000);
  hasty.retry.max_attempts = 1;
  S3ObjectStore store(hasty);
  gate_->Stall();
  auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(store.Head(Key("k")), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(store.Open(Key("k"), 0, -1), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  gate_->Pass();
  EXPECT_EQ(store.Get(Key("k")).value_or("?"), "v");
}

TEST_F(S3Faults, ConnectionsAreReused) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(store_->Put(Key("k"), "v", {}), IsOk());
    ASSERT_EQ(store_->Get(Key("k")).value_or("?"), "v");
  }
  EXPECT_LE(gate_->connections(), 2);
}

TEST_F(S3Faults, SlowReaderHoldsLittle) {
  std::string bytes = Bytes(32 << 20);
  ASSERT_THAT(store_->Put(Key("big"), bytes, {}), IsOk());
  auto reader = store_->Open(Key("big"), 0, -1);
  ASSERT_THAT(reader, IsOk());
  // Byte by byte at first: what libcurl hands over is kept, and no more of it is taken.
  std::string read(1000, '\0');
  for (char& c : read) ASSERT_EQ((*reader)->Read(&c, 1).value_or(0), 1U);
  auto rest = ReadAll(**reader);
  ASSERT_THAT(rest, IsOk());
  EXPECT_TRUE(read + *rest == bytes);
}

TEST_F(S3Faults, WrongAccountAndBucketAreNamed) {
  S3Config stranger = config_;
  stranger.keys.fixed.secret_key = "wrong";
  Status refused = S3ObjectStore(stranger).Ping();
  EXPECT_THAT(refused, StatusIs(StatusCode::kPermissionDenied)) << ToText(refused);
  EXPECT_NE(ToText(refused).find("SignatureDoesNotMatch"), std::string::npos) << ToText(refused);
  S3Config nowhere = config_;
  nowhere.bucket = "no-such-bucket";
  Status missing = S3ObjectStore(nowhere).Ping();
  EXPECT_THAT(missing, StatusIs(StatusCode::kFailedPrecondition)) << ToText(missing);
  EXPECT_THAT(S3ObjectStore(nowhere).Put("k", "v", {}), StatusIs(StatusCode::kFailedPrecondition));
}

TEST_F(S3Faults, PrefixesKeepStoresApart) {
  S3Config inner = config_;
  inner.prefix = prefix_ + "inner/";
  S3ObjectStore store(inner);
  ASSERT_THAT(store.Put("a/b", "deep", {}), IsOk());
  EXPECT_EQ(store_->Get(prefix_ + "inner/a/b").value_or("?"), "deep");
  auto page = store.List("a/", "", 10);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->objects.size(), 1U);
  EXPECT_EQ(page->objects[0].key, "a/b");
  EXPECT_EQ(store.Describe(), "s3://" + inner.authority + "/" + inner.bucket + "/" + prefix_ + "inner");
}

}  // namespace
}  // namespace vora::storage
