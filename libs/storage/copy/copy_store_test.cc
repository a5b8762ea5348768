#include "libs/storage/copy/copy_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "libs/storage/open_store.h"
#include "libs/storage/testing/fake_google_storage.h"
#include "libs/storage/testing/faulty_store.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Writes other bytes than it was given, under one key.
class RottenStore : public FaultyStore {
 public:
  RottenStore(std::unique_ptr<ObjectStore> inner, std::string key) : FaultyStore(std::move(inner)), key_(std::move(key)) {}
  StatusOr<ObjectInfo> Put(const std::string& key, std::string_view bytes, const PutOptions& options) override {
    std::string copy(bytes);
    if (key == key_) copy[0] = static_cast<char>(copy[0] + 1);
    return FaultyStore::Put(key, copy, options);
  }

 private:
  const std::string key_;
};

class CopyStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [key, bytes] : objects_) {
      ASSERT_THAT(from_->Put(key, bytes, {.content_type = key.ends_with(".mp4") ? "video/mp4" : "text/plain"}), IsOk());
    }
  }
  std::unique_ptr<ObjectStore> OpenFolder(const std::string& name) { return *OpenObjectStore("file://" + folder_ / name, metrics_); }
  Status Run(ObjectStore& to, CopyCounts& counts, const CopyOptions& options = {}) {
    failures_.clear();
    return CopyStore(*from_, to, options, counts, stopped_,
                     [&](const std::string& key, const Status& status) { failures_.push_back(key + ": " + ToText(status)); });
  }
  void ExpectSame(ObjectStore& to) {
    for (const auto& [key, bytes] : objects_) {
      ObjectInfo info;
      EXPECT_TRUE(to.Get(key, 64 << 20, &info).value_or("?") == bytes) << key;
      EXPECT_EQ(info.content_type, from_->Head(key)->content_type) << key;
    }
  }

  const TempFolder folder_;
  obs::Metrics metrics_;
  std::map<std::string, std::string> objects_{{"raw/u1/original", std::string(20 << 20, 'o') + "tail"},
                                              {"raw/u1/state", "{}"},
                                              {"announce/u1", ""},
                                              {"processed/v1/master.m3u8", "#EXTM3U"},
                                              {"processed/v1/720p/init.mp4", std::string(8 << 20, 'i')},
                                              {"processed/v1/720p/seg_0.mp4", std::string(3 << 20, 's')}};
  std::unique_ptr<ObjectStore> from_ = OpenFolder("from");
  Stopped stopped_ = [] { return false; };
  std::vector<std::string> failures_;
};

TEST_F(CopyStoreTest, EverythingComesAndNothingTwiceInEitherDirection) {
  FakeGoogleStorage google;
  const auto bucket = *OpenObjectStore(google.url(), metrics_, FakeGoogleStorage::Getenv);
  CopyCounts first, second, back;
  ASSERT_THAT(Run(*bucket, first), IsOk());
  EXPECT_EQ(first.objects, 6);
  EXPECT_EQ(first.copied, 6);
  EXPECT_EQ(first.bytes_copied, first.bytes);
  EXPECT_EQ(first.bytes, (31 << 20) + 4 + 2 + 7);
  ExpectSame(*bucket);
  ASSERT_THAT(Run(*bucket, second), IsOk());
  EXPECT_EQ(second.copied, 0);
  EXPECT_EQ(second.skipped, 6);
  EXPECT_EQ(second.bytes_skipped, second.bytes);
  const auto home = OpenFolder("home");
  from_ = *OpenObjectStore(google.url(), metrics_, FakeGoogleStorage::Getenv);
  ASSERT_THAT(Run(*home, back), IsOk());
  EXPECT_EQ(back.copied, 6);
  ExpectSame(*home);
}

TEST_F(CopyStoreTest, WhatDiffersIsCopiedAgainAndWhatLooksAlikeWithVerify) {
  const auto to = OpenFolder("to");
  CopyCounts first, again, verified, rest;
  ASSERT_THAT(Run(*to, first), IsOk());
  ASSERT_THAT(to->Put("raw/u1/state", "{..}", {.content_type = "text/plain"}), IsOk());                 // another size
  ASSERT_THAT(to->Put("processed/v1/720p/init.mp4", std::string(8 << 20, 'i'), {}), IsOk());            // another type
  ASSERT_THAT(to->Put("processed/v1/master.m3u8", "#EXTM4U", {.content_type = "text/plain"}), IsOk());  // the same size, and newer
  ASSERT_THAT(Run(*to, again), IsOk());
  EXPECT_EQ(again.copied, 2);
  EXPECT_EQ(to->Get("processed/v1/master.m3u8").value_or("?"), "#EXTM4U");
  ASSERT_THAT(Run(*to, verified, {.verify = true}), IsOk());
  EXPECT_EQ(verified.copied, 1);
  ExpectSame(*to);
  ASSERT_THAT(Run(*to, rest, {.verify = true}), IsOk());
  EXPECT_EQ(rest.skipped, 6);
}

TEST_F(CopyStoreTest, ADryRunWritesNothing) {
  const auto to = OpenFolder("to");
  CopyCounts counts;
  ASSERT_THAT(Run(*to, counts, {.dry_run = true}), IsOk());
  EXPECT_EQ(counts.copied, 6);
  EXPECT_EQ(counts.bytes_copied, counts.bytes);
  EXPECT_THAT(to->List("")->objects, IsEmpty());
}

TEST_F(CopyStoreTest, OneRootAlone) {
  const auto raw = OpenFolder("raw"), processed = OpenFolder("processed");
  CopyCounts first, second;
  ASSERT_THAT(Run(*raw, first, {.only = CopyOptions::Only::kRaw}), IsOk());
  ASSERT_THAT(Run(*processed, second, {.only = CopyOptions::Only::kProcessed}), IsOk());
  EXPECT_EQ(first.copied, 3);
  EXPECT_EQ(second.copied, 3);
  EXPECT_THAT(raw->List("processed/")->objects, IsEmpty());
  EXPECT_EQ(processed->List("")->objects.size(), 3U);
}

// Their bytes lie in parts of a multipart upload of the one store: a state without them would promise what is not there.
TEST_F(CopyStoreTest, UnfinishedUploadsAreAnErrorOrLeftOut) {
  for (const char* key : {"open/u2", "raw/u2/state", "raw/u2/tail.1", "probe/x"}) ASSERT_THAT(from_->Put(key, "x", {}), IsOk());
  const auto to = OpenFolder("to");
  CopyCounts refused, counts;
  EXPECT_THAT(Run(*to, refused), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("1 uploads are not finished, u2")));
  EXPECT_THAT(to->List("")->objects, IsEmpty());
  ASSERT_THAT(Run(*to, counts, {.without_unfinished = true}), IsOk());
  EXPECT_EQ(counts.left_out, 3);
  EXPECT_EQ(counts.copied, 6);
  ExpectSame(*to);
  EXPECT_THAT(to->List("raw/u2/")->objects, IsEmpty());
}

TEST_F(CopyStoreTest, AFailureIsNamedAndTheRestGoesOn) {
  FaultyStore to(OpenFolder("to"));
  to.Rule([](std::string_view call, const std::string& key) {
    return call == "Put" && key == "raw/u1/state" ? FaultyStore::Verdict::kRefuse : FaultyStore::Verdict::kPass;
  });
  CopyCounts counts, healed;
  ASSERT_THAT(Run(to, counts), IsOk());
  EXPECT_EQ(counts.failed, 1);
  EXPECT_EQ(counts.copied, 5);
  EXPECT_THAT(failures_, ElementsAre(HasSubstr("raw/u1/state: UNAVAILABLE")));
  to.Rule(nullptr);
  ASSERT_THAT(Run(to, healed), IsOk());
  EXPECT_EQ(healed.copied, 1);
  ExpectSame(to);
}

TEST_F(CopyStoreTest, BytesThatAreNotWhatWasWrittenAreAFailure) {
  RottenStore to(OpenFolder("to"), "processed/v1/master.m3u8");
  CopyCounts counts;
  ASSERT_THAT(Run(to, counts), IsOk());
  EXPECT_EQ(counts.failed, 1);
  EXPECT_THAT(failures_, ElementsAre(HasSubstr("processed/v1/master.m3u8: DATA_LOSS")));
  EXPECT_THAT(to.Head("processed/v1/master.m3u8"), StatusIs(StatusCode::kNotFound)) << "the next run would take it for a copy";
}

TEST_F(CopyStoreTest, AStoreThatFailsWithEverythingEndsIt) {
  for (int i = 0; i < 100; ++i) ASSERT_THAT(from_->Put("processed/v2/seg_" + std::to_string(i), "s", {}), IsOk());
  FaultyStore to(OpenFolder("to"));
  to.SetAway(true);
  CopyCounts counts;
  EXPECT_THAT(Run(to, counts, {.threads = 1}), StatusIs(StatusCode::kUnavailable, HasSubstr("20 objects in a row failed")));
  EXPECT_EQ(counts.failed, 20);
}

// Stopped at every moment in turn: whatever is there is whole, no parts stay behind, and the next run brings the rest.
TEST_F(CopyStoreTest, StoppedAnywhereItGoesOn) {
  const auto to = OpenFolder("to");
  int64_t copied = 0;
  for (int moment = 0;; moment += 7) {
    std::atomic<int> asked{0};
    stopped_ = [&] { return ++asked > moment; };
    CopyCounts counts;
    const Status status = Run(*to, counts, {.threads = 2});
    copied += counts.copied;
    const auto page = to->List("");
    ASSERT_THAT(page, IsOk());
    for (const ObjectInfo& object : page->objects) {
      EXPECT_TRUE(to->Get(object.key, 64 << 20).value_or("?") == objects_.at(object.key)) << object.key;
    }
    if (status.ok()) break;
    EXPECT_THAT(status, StatusIs(StatusCode::kCancelled));
    ASSERT_LT(moment, 1000);
  }
  EXPECT_THAT(failures_, IsEmpty());
  EXPECT_GE(copied, 5);
  ExpectSame(*to);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "to/.multipart"));
}

}  // namespace
}  // namespace vora::storage
