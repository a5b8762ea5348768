#include "libs/storage/local/local_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "libs/storage/base/store_check.h"
#include "libs/storage/testing/faulty_store.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::storage {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

class LocalStoreTest : public testing::Test {
 protected:
  LocalStoreTest() { store_ = OpenStore(); }
  std::unique_ptr<LocalObjectStore> OpenStore() {
    auto store = LocalObjectStore::Create(directory_.string());
    EXPECT_THAT(store, IsOk());
    return store.ok() ? std::move(store).value() : nullptr;
  }
  const TempFolder temp_;
  const fs::path directory_ = temp_ / "store";
  std::unique_ptr<LocalObjectStore> store_;
};

TEST_F(LocalStoreTest, EtagChangesWithEveryPutAndSurvivesRestart) {
  auto first = store_->Put("k", "same", {});
  auto second = store_->Put("k", "same", {});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->etag, second->etag);
  store_.reset();
  auto again = OpenStore();
  auto head = again->Head("k");
  ASSERT_THAT(head, IsOk());
  EXPECT_EQ(head->etag, second->etag);
  EXPECT_EQ(head->modified_unix_ms, second->modified_unix_ms);
}

TEST_F(LocalStoreTest, TwoStoresOnOneDirectorySeeEachOther) {
  auto other = OpenStore();
  auto first = store_->Put("k", "1", {});
  ASSERT_THAT(first, IsOk());
  PutOptions swap;
  swap.if_match = first->etag;
  ASSERT_THAT(other->Put("k", "2", swap), IsOk());
  EXPECT_THAT(store_->Put("k", "3", swap), StatusIs(StatusCode::kAborted));
  auto id = store_->CreateMultipart("m", {});
  ASSERT_THAT(id, IsOk());
  auto part = other->UploadPart("m", *id, 1, "part");
  ASSERT_THAT(part, IsOk());
  ASSERT_THAT(store_->CompleteMultipart("m", *id, {*part}), IsOk());
  EXPECT_EQ(other->Get("m").value_or("?"), "part");
}

TEST_F(LocalStoreTest, APartWhoseBytesACrashTookIsWrittenAgain) {
  auto id = store_->CreateMultipart("m", {});
  ASSERT_THAT(id, IsOk());
  ASSERT_THAT(store_->UploadPart("m", *id, 1, "the bytes of a part"), IsOk());
  // After a power cut the record of a part may be there and its bytes not.
  fs::resize_file(directory_ / ".multipart" / *id / "data", 0);
  auto part = store_->UploadPart("m", *id, 1, "the bytes of a part");
  ASSERT_THAT(part, IsOk());
  ASSERT_THAT(store_->CompleteMultipart("m", *id, {*part}), IsOk());
  EXPECT_EQ(store_->Get("m").value_or("?"), "the bytes of a part");
}

TEST_F(LocalStoreTest, ReaderKeepsItsObjectWhileItIsReplaced) {
  ASSERT_THAT(store_->Put("k", "old content", {}), IsOk());
  auto reader = store_->Open("k", 0, -1);
  ASSERT_THAT(reader, IsOk());
  ASSERT_THAT(store_->Put("k", "new", {}), IsOk());
  ASSERT_THAT(store_->Delete("k"), IsOk());
  std::string read(100, '\0');
  auto n = (*reader)->Read(read.data(), read.size());
  ASSERT_THAT(n, IsOk());
  EXPECT_EQ(read.substr(0, *n), "old content");
}

TEST_F(LocalStoreTest, SymbolicLinksAreNotFollowed) {
  fs::path outside = directory_.string() + "-outside";
  fs::create_directories(outside);
  std::ofstream(outside / "secret@") << "secret";
  fs::create_directory_symlink(outside, directory_ / "link");
  fs::create_directories(directory_ / "real");
  fs::create_symlink(outside / "secret@", directory_ / "real" / "secret@");
  for (const char* key : {"link/secret", "real/secret"}) {
    EXPECT_THAT(store_->Open(key, 0, -1), ::testing::Not(IsOk())) << key;
    EXPECT_THAT(store_->Head(key), ::testing::Not(IsOk())) << key;
  }
  EXPECT_THAT(store_->Put("link/new", "x", {}), ::testing::Not(IsOk()));
  EXPECT_FALSE(fs::exists(outside / "new@"));
  (void)store_->Delete("link/secret");
  EXPECT_TRUE(fs::exists(outside / "secret@"));
  // Replacing a link replaces the link, not what it points to.
  ASSERT_THAT(store_->Put("real/secret", "mine", {}), IsOk());
  EXPECT_EQ(store_->Get("real/secret").value_or("?"), "mine");
  std::string text;
  std::ifstream(outside / "secret@") >> text;
  EXPECT_EQ(text, "secret");
  fs::remove_all(outside);
}

TEST_F(LocalStoreTest, DamageIsFoundOut) {
  ASSERT_THAT(store_->Put("d/k", std::string(5000, 'x'), {}), IsOk());
  ASSERT_THAT(store_->Put("d/fine", "y", {}), IsOk());
  fs::resize_file(directory_ / "d" / "k@", 3000);
  EXPECT_THAT(store_->Head("d/k"), StatusIs(StatusCode::kDataLoss));
  PutOptions once;
  once.if_absent = true;
  EXPECT_THAT(store_->Put("d/k", "z", once), StatusIs(StatusCode::kAlreadyExists));
  auto page = store_->List("d/", "", 10);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->objects.size(), 1U);
  EXPECT_EQ(page->objects[0].key, "d/fine");
}

TEST_F(LocalStoreTest, EmptyFoldersGo) {
  ASSERT_THAT(store_->Put("a/b/c/d", "x", {}), IsOk());
  ASSERT_THAT(store_->Put("a/e", "x", {}), IsOk());
  ASSERT_THAT(store_->Delete("a/b/c/d"), IsOk());
  EXPECT_FALSE(fs::exists(directory_ / "a" / "b"));
  EXPECT_TRUE(fs::exists(directory_ / "a"));
}

TEST_F(LocalStoreTest, OldLeftoversAreRemovedAtOpen) {
  std::ofstream(directory_ / ".tmp" / "old") << "x";
  fs::create_directories(directory_ / ".tmp" / "old-folder" / "inside");
  std::ofstream(directory_ / ".tmp" / "young") << "x";
  for (const char* name : {"old", "old-folder"}) {
    timeval past[2] = {{::time(nullptr) - 25 * 3600, 0}, {::time(nullptr) - 25 * 3600, 0}};
    ASSERT_EQ(::utimes((directory_ / ".tmp" / name).c_str(), past), 0);
  }
  store_ = OpenStore();
  EXPECT_FALSE(fs::exists(directory_ / ".tmp" / "old"));
  EXPECT_FALSE(fs::exists(directory_ / ".tmp" / "old-folder"));
  EXPECT_TRUE(fs::exists(directory_ / ".tmp" / "young"));
}

TEST_F(LocalStoreTest, PingTellsWhenTheDirectoryIsGone) {
  ASSERT_THAT(store_->Ping(), IsOk());
  store_ = OpenStore();
  fs::rename(directory_, directory_.string() + "-away");
  EXPECT_THAT(store_->Ping(), StatusIs(StatusCode::kUnavailable));
  fs::rename(directory_.string() + "-away", directory_);
  store_ = OpenStore();
  EXPECT_THAT(store_->Ping(), IsOk());
}

TEST_F(LocalStoreTest, TheCheckNamesWhatIsMissing) {
  FaultyStore no_absent(OpenStore()), no_match(OpenStore());
  no_absent.ForgetConditions(/*if_absent=*/true, /*if_match=*/false);
  no_match.ForgetConditions(/*if_absent=*/false, /*if_match=*/true);
  obs::Metrics metrics;
  Status absent = CheckStore(no_absent, "raw", metrics), match = CheckStore(no_match, "raw", metrics);
  EXPECT_THAT(absent, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_NE(ToText(absent).find("If-None-Match"), std::string::npos) << ToText(absent);
  EXPECT_NE(ToText(absent).find(directory_.string()), std::string::npos) << ToText(absent);
  EXPECT_THAT(match, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_NE(ToText(match).find("If-Match"), std::string::npos) << ToText(match);
  EXPECT_THAT(CheckStore(*store_, "raw", metrics), IsOk());
  auto left = store_->List("", "", 10);
  ASSERT_THAT(left, IsOk());
  EXPECT_TRUE(left->objects.empty());
}

// The store goes away at every moment of the check in turn: an unsafe one is refused as soon as its fault was seen, and asked again before.
TEST_F(LocalStoreTest, WhatWasFoundUnsafeStaysSoWhateverFailsAfterwards) {
  for (const bool create_only : {true, false}) {
    bool refused = false;
    for (int calls = 0; calls < 20; ++calls) {
      FaultyStore store(OpenStore());
      store.ForgetConditions(create_only, !create_only);
      store.GoAwayAfter(calls, /*lose_answer=*/false);
      obs::Metrics metrics;
      const Status checked = CheckStore(store, "raw", metrics);
      const bool unsafe = checked.code() == StatusCode::kFailedPrecondition;
      EXPECT_TRUE(unsafe || checked.code() == StatusCode::kUnavailable) << calls << " " << ToText(checked);
      EXPECT_TRUE(unsafe || !refused) << calls;
      EXPECT_EQ(metrics.Expose().find("vora_object_store_honours{") != std::string::npos, unsafe);
      refused = unsafe;
    }
    EXPECT_TRUE(refused);
  }
}

// One that refuses the header, or every ETag, answers; and keeps no condition.
TEST_F(LocalStoreTest, RefusingEveryConditionIsUnsafeToo) {
  class Refusing : public FaultyStore {
   public:
    Refusing(std::unique_ptr<ObjectStore> inner, Status answer, bool if_absent)
        : FaultyStore(std::move(inner)), answer_(std::move(answer)), if_absent_(if_absent) {}
    StatusOr<ObjectInfo> Put(const std::string& key, std::string_view bytes, const PutOptions& options) override {
      if (if_absent_ ? options.if_absent : options.if_match.has_value()) return answer_;
      return FaultyStore::Put(key, bytes, options);
    }

   private:
    const Status answer_;
    const bool if_absent_;
  };
  obs::Metrics metrics;
  for (const Status& answer : {Aborted("changed"), Unimplemented("HTTP 501"), InvalidArgument("HTTP 400")}) {
    Refusing swaps(OpenStore(), answer, false), creates(OpenStore(), answer, true);
    EXPECT_THAT(CheckStore(swaps, "raw", metrics),
                StatusIs(StatusCode::kFailedPrecondition, HasSubstr("If-Match (the right ETag is refused)")));
    EXPECT_THAT(CheckStore(creates, "raw", metrics), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("does not honour If-None-Match")));
  }
}

// A child writes without end and is killed at some instant: what is there afterwards is always whole.
class LocalStoreCrash : public LocalStoreTest, public testing::WithParamInterface<int> {};

TEST_P(LocalStoreCrash, LeavesOldOrNew) {
  constexpr size_t kSize = 3 << 20;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = LocalObjectStore::Create(directory_.string());
    if (!store.ok()) ::_exit(1);
    for (unsigned i = 0;; ++i) {
      std::string bytes(kSize, static_cast<char>('a' + i % 26));
      if (!(*store)->Put("torn/put", bytes, {}).ok()) ::_exit(2);
      MultipartOptions options;
      options.part_size = 5 << 20;
      auto id = (*store)->CreateMultipart("torn/multipart", options);
      if (!id.ok()) ::_exit(3);
      auto part = (*store)->UploadPart("torn/multipart", *id, 1, bytes);
      if (!part.ok() || !(*store)->CompleteMultipart("torn/multipart", *id, {*part}).ok()) ::_exit(4);
      if (::write(ready[1], "x", 1) != 1) ::_exit(5);
    }
  }
  ::close(ready[1]);
  char byte = 0;
  // Killed after so many rounds and a varying moment of the next one.
  for (int round = 0; round <= GetParam() % 3; ++round) ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::usleep(static_cast<useconds_t>(GetParam() * 1700));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(ready[0]);
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  auto store = OpenStore();
  for (const char* key : {"torn/put", "torn/multipart"}) {
    auto bytes = store->Get(key);
    ASSERT_THAT(bytes, IsOk());
    EXPECT_TRUE(*bytes == std::string(kSize, bytes->front())) << key;
    EXPECT_THAT(store->Put(key, "next", {}), IsOk()) << "no lock survives its holder";
  }
}

INSTANTIATE_TEST_SUITE_P(Moments, LocalStoreCrash, testing::Range(0, 12));

}  // namespace
}  // namespace vora::storage
