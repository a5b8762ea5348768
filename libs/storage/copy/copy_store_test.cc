#include "libs/storage/copy/copy_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <mutex>

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
using ::testing::UnorderedElementsAre;

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

  // As after a disk's fault: the object whose file is called like that.
  void CutShort(const std::string& store, const std::string& name) {
    int found = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / store)) {
      if (!entry.is_regular_file() || entry.path().filename().string().find(name) == std::string::npos) continue;
      std::filesystem::resize_file(entry.path(), 1000);
      ++found;
    }
    ASSERT_EQ(found, 1) << name;
  }

  static void ExpectSizes(ObjectStore& to, size_t objects) { EXPECT_EQ(to.List("")->objects.size(), objects); }

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

// The same size, and written whenever: a change is seen by its ETag.
TEST_F(CopyStoreTest, WhatChangedInTheSourceIsCopiedAgain) {
  FakeGoogleStorage google;
  const auto bucket = *OpenObjectStore(google.url(), metrics_, FakeGoogleStorage::Getenv);
  const auto folder = OpenFolder("to");
  for (ObjectStore* to : {bucket.get(), folder.get()}) {
    CopyCounts first, again, rest;
    ASSERT_THAT(Run(*to, first), IsOk());
    for (const auto& [key, bytes] :
         std::map<std::string, std::string>{{"raw/u1/state", "[]"}, {"processed/v1/720p/init.mp4", std::string(8 << 20, 'j')}}) {
      objects_[key] = bytes + (to == folder.get() ? " " : "");
      ASSERT_THAT(from_->Put(key, objects_[key], {.content_type = from_->Head(key)->content_type}), IsOk());
    }
    ASSERT_THAT(Run(*to, again), IsOk());
    EXPECT_EQ(again.copied, 2);
    ExpectSame(*to);
    ASSERT_THAT(Run(*to, rest), IsOk());
    EXPECT_EQ(rest.skipped, 6);
  }
}

TEST_F(CopyStoreTest, WhatNoCopyWroteIsComparedAndNeverReplacedUnasked) {
  const auto to = OpenFolder("to");
  ASSERT_THAT(to->Put("raw/u1/state", "{}", {.content_type = "text/plain"}), IsOk());
  ASSERT_THAT(to->Put("processed/v1/master.m3u8", "#EXTM4U", {.content_type = "text/plain"}), IsOk());
  ASSERT_THAT(to->Put("announce/u1", "", {.content_type = "video/mp4"}), IsOk());
  CopyCounts first, overwritten, rest;
  ASSERT_THAT(Run(*to, first), IsOk());
  EXPECT_EQ(first.copied, 3);
  EXPECT_EQ(first.skipped, 1);
  EXPECT_THAT(failures_,
              UnorderedElementsAre(HasSubstr("announce/u1: ALREADY_EXISTS: another object is there, which no copy of FROM wrote"),
                                   HasSubstr("processed/v1/master.m3u8: ALREADY_EXISTS")));
  EXPECT_EQ(to->Get("processed/v1/master.m3u8").value_or("?"), "#EXTM4U");
  ASSERT_THAT(Run(*to, overwritten, {.overwrite = true}), IsOk());
  EXPECT_EQ(overwritten.copied, 2);
  ExpectSame(*to);
  ASSERT_THAT(Run(*to, rest), IsOk());
  EXPECT_EQ(rest.skipped, 6);
}

// Which of the two it is nobody here can know: the copy may be the last good one.
TEST_F(CopyStoreTest, WithVerifyWhatRottedIsToldAndReplacedOnlyWhenAskedFor) {
  const auto to = OpenFolder("to");
  CopyCounts first, unseen, verified, asked;
  ASSERT_THAT(Run(*to, first), IsOk());
  const auto mark = to->Head("processed/v1/master.m3u8")->copied_from;
  ASSERT_THAT(to->Put("processed/v1/master.m3u8", "#EXTM4U", {.content_type = "text/plain", .copied_from = mark}), IsOk());
  ASSERT_THAT(Run(*to, unseen), IsOk());
  EXPECT_EQ(unseen.copied, 0);
  ASSERT_THAT(Run(*to, verified, {.verify = true}), IsOk());
  EXPECT_EQ(verified.copied, 0);
  EXPECT_THAT(failures_, ElementsAre(HasSubstr("processed/v1/master.m3u8: DATA_LOSS: is not what it is a copy of")));
  EXPECT_EQ(to->Get("processed/v1/master.m3u8").value_or("?"), "#EXTM4U");
  ASSERT_THAT(Run(*to, asked, {.verify = true, .overwrite = true}), IsOk());
  EXPECT_EQ(asked.copied, 1);
  ExpectSame(*to);
}

// A home that once was a copy itself, and a backup that lacks what it has: it is none of the backup's copies.
TEST_F(CopyStoreTest, CopiesOfAnotherStoreAreNeitherReplacedNorDeleted) {
  const auto home = OpenFolder("home");
  CopyCounts moved, wrong;
  ASSERT_THAT(Run(*home, moved), IsOk());
  from_ = OpenFolder("backup");
  for (const char* key : {"announce/u9", "processed/v9/master.m3u8"}) ASSERT_THAT(from_->Put(key, "own", {}), IsOk());
  ASSERT_THAT(Run(*home, wrong, {.remove = true}), IsOk());
  EXPECT_EQ(wrong.copied, 2);
  EXPECT_EQ(wrong.deleted, 0);
  EXPECT_EQ(wrong.only_in_target, 6);
  ASSERT_THAT(from_->Put("raw/u1/state", "older", {}), IsOk());
  CopyCounts older;
  ASSERT_THAT(Run(*home, older), IsOk());
  EXPECT_THAT(failures_, ElementsAre(HasSubstr("raw/u1/state: ALREADY_EXISTS: another object is there, which no copy of FROM wrote")));
  ExpectSizes(*home, 8);
  EXPECT_EQ(home->Get("raw/u1/state").value_or("?"), "{}");
}

TEST_F(CopyStoreTest, DamagedObjectsAreFailuresAndThoseOfTheTargetAreWrittenAgainWhenAskedFor) {
  const auto to = OpenFolder("to");
  CopyCounts first, broken, healed, told;
  ASSERT_THAT(Run(*to, first), IsOk());
  CutShort("to", "seg_0.mp4");
  ASSERT_THAT(Run(*to, broken), IsOk());
  EXPECT_THAT(failures_, ElementsAre(HasSubstr("processed/v1/720p/seg_0.mp4: DATA_LOSS: is damaged in TO: have it overwritten")));
  ASSERT_THAT(Run(*to, healed, {.overwrite = true}), IsOk());
  EXPECT_EQ(healed.copied, 1);
  ExpectSame(*to);
  CutShort("from", "seg_0.mp4");
  ASSERT_THAT(Run(*to, told, {.remove = true}), IsOk());
  EXPECT_THAT(failures_, ElementsAre(HasSubstr("processed/v1/720p/seg_0.mp4: DATA_LOSS: is damaged in FROM")));
  EXPECT_EQ(told.failed, 1);
  EXPECT_EQ(told.deleted, 0);
}

// Nothing is read for that: the copy names what lies at home.
TEST_F(CopyStoreTest, ACopyOnItsWayBackIsKnown) {
  const auto away = OpenFolder("away");
  CopyCounts there, back;
  ASSERT_THAT(Run(*away, there), IsOk());
  FaultyStore home(std::move(from_));
  from_ = OpenFolder("away");
  ASSERT_THAT(from_->Put("announce/u2", "", {}), IsOk());
  ASSERT_THAT(Run(home, back), IsOk());
  EXPECT_EQ(back.copied, 1);
  EXPECT_EQ(back.skipped, 6);
  EXPECT_EQ(home.opens(), 1) << "what was copied is read back";
}

TEST_F(CopyStoreTest, WhatIsGoneIsCountedAndDeletedWhenAskedFor) {
  const auto to = OpenFolder("to");
  CopyCounts first, told, dry, done, other_root;
  ASSERT_THAT(Run(*to, first), IsOk());
  EXPECT_EQ(first.gone, 0);
  for (const char* key : {"processed/v1/720p/init.mp4", "raw/u1/state"}) {
    ASSERT_THAT(from_->Delete(key), IsOk());
    objects_.erase(key);
  }
  // None of these is a copy's to delete.
  ASSERT_THAT(to->Put("processed/v2/master.m3u8", "own", {}), IsOk());
  ASSERT_THAT(to->Put("holiday/film.mp4", "foreign", {.copied_from = "e"}), IsOk());
  ASSERT_THAT(Run(*to, told), IsOk());
  EXPECT_EQ(told.gone, 2);
  EXPECT_EQ(told.only_in_target, 1);
  ASSERT_THAT(Run(*to, dry, {.dry_run = true, .remove = true}), IsOk());
  EXPECT_EQ(dry.gone, 2);
  ASSERT_THAT(to->Head("raw/u1/state"), IsOk());
  ASSERT_THAT(Run(*to, other_root, {.only = CopyOptions::Only::kRaw, .remove = true}), IsOk());
  EXPECT_EQ(other_root.deleted, 1);
  ASSERT_THAT(to->Head("processed/v1/720p/init.mp4"), IsOk());
  ASSERT_THAT(Run(*to, done, {.remove = true}), IsOk());
  EXPECT_EQ(done.deleted, 1);
  EXPECT_THAT(to->Head("processed/v1/720p/init.mp4"), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(to->Get("processed/v2/master.m3u8").value_or("?"), "own");
  EXPECT_EQ(to->Get("holiday/film.mp4").value_or("?"), "foreign");
  ExpectSame(*to);
}

TEST_F(CopyStoreTest, AnEmptySourceDeletesNothingUnlessItIsSaid) {
  const auto to = OpenFolder("to");
  CopyCounts first, refused, said;
  ASSERT_THAT(Run(*to, first), IsOk());
  for (const auto& [key, bytes] : objects_) ASSERT_THAT(from_->Delete(key), IsOk());
  EXPECT_THAT(Run(*to, refused, {.remove = true}), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("FROM holds nothing of uploads")));
  ASSERT_THAT(from_->Put("announce/u1", "", {.content_type = "text/plain"}), IsOk());
  CopyCounts one_root;
  EXPECT_THAT(Run(*to, one_root, {.remove = true}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("FROM holds nothing of processed/")));
  ExpectSizes(*to, 6);
  CopyCounts raw;
  ASSERT_THAT(Run(*to, raw, {.only = CopyOptions::Only::kRaw, .remove = true}), IsOk());
  EXPECT_EQ(raw.deleted, 2);
  ASSERT_THAT(from_->Delete("announce/u1"), IsOk());
  ASSERT_THAT(Run(*to, said, {.remove = true, .allow_empty = true}), IsOk());
  EXPECT_EQ(said.deleted, 4);
  ExpectSizes(*to, 0);
}

TEST_F(CopyStoreTest, NothingIsDeletedAfterAFailure) {
  FaultyStore to(OpenFolder("to"));
  CopyCounts first, counts;
  ASSERT_THAT(Run(to, first), IsOk());
  ASSERT_THAT(from_->Delete("raw/u1/original"), IsOk());
  ASSERT_THAT(from_->Put("announce/u3", "", {}), IsOk());
  to.Rule([](std::string_view call, const std::string& key) {
    return call == "Put" && key == "announce/u3" ? FaultyStore::Verdict::kRefuse : FaultyStore::Verdict::kPass;
  });
  ASSERT_THAT(Run(to, counts, {.remove = true}), IsOk());
  EXPECT_EQ(counts.failed, 1);
  EXPECT_EQ(counts.deleted, 0);
  ASSERT_THAT(to.Head("raw/u1/original"), IsOk());
}

TEST_F(CopyStoreTest, WhatIsNotVorasStaysWhereItIs) {
  for (const char* key : {"holiday/film.mp4", "notes.txt", "rawer/u1/original"}) ASSERT_THAT(from_->Put(key, "x", {}), IsOk());
  const auto to = OpenFolder("to");
  CopyCounts counts;
  ASSERT_THAT(Run(*to, counts), IsOk());
  EXPECT_EQ(counts.foreign, 3);
  EXPECT_EQ(counts.objects, 6);
  ExpectSizes(*to, 6);
}

TEST_F(CopyStoreTest, OnePlaceUnderTwoNamesIsRefused) {
  std::filesystem::create_directory_symlink(folder_ / "from", folder_ / "alias");
  const auto alias = OpenFolder("alias");
  CopyCounts counts;
  EXPECT_THAT(Run(*alias, counts), StatusIs(StatusCode::kInvalidArgument, HasSubstr("the same store as FROM, under another name")));
  EXPECT_THAT(from_->List("probe/")->objects, IsEmpty());
}

// A store on which something happens right before a key of this prefix is first written: of the probe, before anything is copied.
class BusyStore : public FaultyStore {
 public:
  BusyStore(std::unique_ptr<ObjectStore> inner, std::string prefix, std::function<void()> meanwhile) : FaultyStore(std::move(inner)) {
    Rule([=, once = std::make_shared<std::once_flag>()](std::string_view call, const std::string& key) {
      if ((call == "Put" || call == "UploadPart") && key.starts_with(prefix)) std::call_once(*once, meanwhile);
      return Verdict::kPass;
    });
  }
};

TEST_F(CopyStoreTest, WhatChangedMeanwhileIsNotCalledComplete) {
  CopyCounts grown, began, rest;
  BusyStore growing(OpenFolder("to"), "raw/", [&] { ASSERT_THAT(from_->Put("announce/u0", "", {}), IsOk()); });
  EXPECT_THAT(Run(growing, grown, {.threads = 1}), StatusIs(StatusCode::kAborted, HasSubstr("FROM changed while it was copied")));
  // An upload that begins meanwhile: nothing of it is copied, as its state promises bytes that lie in parts.
  ASSERT_THAT(from_->Put("announce/u1", "!", {}), IsOk());
  BusyStore beginning(OpenFolder("to"), "probe/", [&] {
    ASSERT_THAT(from_->Put("open/u2", "", {}), IsOk());
    ASSERT_THAT(from_->Put("raw/u2/state", "{}", {}), IsOk());
  });
  EXPECT_THAT(Run(beginning, began, {.threads = 1}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("1 uploads are not finished, u2")));
  const auto to = OpenFolder("to");
  EXPECT_THAT(to->List("raw/u2/")->objects, IsEmpty());
  ASSERT_THAT(from_->Delete("open/u2"), IsOk());
  ASSERT_THAT(Run(beginning, rest), IsOk());
  EXPECT_EQ(rest.copied, 1);
  EXPECT_EQ(to->Get("raw/u2/state").value_or("?"), "{}");
}

TEST_F(CopyStoreTest, WhatTheTargetLostMeanwhileIsNamed) {
  const auto to = OpenFolder("to");
  CopyCounts first, counts;
  ASSERT_THAT(Run(*to, first), IsOk());
  ASSERT_THAT(from_->Put("raw/u1/state", "!", {}), IsOk());
  BusyStore losing(OpenFolder("to"), "raw/", [&] { ASSERT_THAT(to->Delete("announce/u1"), IsOk()); });
  ASSERT_THAT(Run(losing, counts, {.threads = 1}), IsOk());
  EXPECT_THAT(failures_, ElementsAre(HasSubstr("announce/u1: DATA_LOSS: is not in TO")));
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

// Its daemon ended before the mark went: an upload that was told to be whole is copied.
TEST_F(CopyStoreTest, AFinishedUploadWhoseMarkStayedIsCopied) {
  ASSERT_THAT(from_->Put("open/u1", "", {}), IsOk());
  objects_["raw/u1/state"] = R"({"state":"UPLOADED"})";
  ASSERT_THAT(from_->Put("raw/u1/state", objects_["raw/u1/state"], {.content_type = "text/plain"}), IsOk());
  ASSERT_THAT(from_->Put("open/u4", "", {}), IsOk());
  ASSERT_THAT(from_->Put("raw/u4/state", R"({"state":"UPLOADING"})", {}), IsOk());
  const auto to = OpenFolder("to");
  CopyCounts refused, counts;
  EXPECT_THAT(Run(*to, refused), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("1 uploads are not finished, u4")));
  ASSERT_THAT(Run(*to, counts, {.without_unfinished = true}), IsOk());
  EXPECT_EQ(counts.copied, 7);
  ExpectSame(*to);
}

// A worker that works on the target already, between the look and the write.
TEST_F(CopyStoreTest, WhatIsWrittenInTheTargetMeanwhileStays) {
  for (const std::string key : {"processed/v1/720p/seg_0.mp4", "raw/u1/original"}) {
    const std::string name = key.substr(0, 3);
    const auto to = OpenFolder(name);
    BusyStore busy(OpenFolder(name), key, [&] { ASSERT_THAT(to->Put(key, "theirs", {}), IsOk()); });
    CopyCounts counts;
    ASSERT_THAT(Run(busy, counts, {.threads = 1}), IsOk());
    EXPECT_THAT(failures_, ElementsAre(HasSubstr("ALREADY_EXISTS"))) << key;
    EXPECT_EQ(to->Get(key).value_or("?"), "theirs") << key;
  }
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
  to.Rule([](std::string_view, const std::string& key) {
    return key.starts_with("probe/") ? FaultyStore::Verdict::kPass : FaultyStore::Verdict::kRefuse;
  });
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
