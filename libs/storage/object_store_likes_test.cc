// What Vora only likes a store to do. What a store of others lacks is no failure but is told at the end; with VORA_TEST_S3_LACKS (names,
// commas between them) it may lack these and no others.

#include <gtest/gtest-spi.h>

#include <functional>
#include <iostream>

#include "libs/storage/object_store_fixture_test.h"

namespace vora::storage {
namespace {

// What a store of others lacks, told at the end of the run.
class Lacks : public testing::Environment {
 public:
  static Lacks& All() {
    static auto* const lacks = static_cast<Lacks*>(testing::AddGlobalTestEnvironment(new Lacks));  // owned by gtest
    return *lacks;
  }
  void Note(const std::string& store, const std::string& name, const std::string& what) {
    store_ = store;
    lines_.push_back(name + ": " + what);
  }
  void TearDown() override {
    if (lines_.empty()) return;
    std::cout << store_ << " has all that Vora needs that was asked for, and lacks of what it likes:\n";
    for (const std::string& line : lines_) std::cout << "  " << line << "\n";
  }

 private:
  std::string store_;
  std::vector<std::string> lines_;
};
Lacks& all_lacks = Lacks::All();

class ObjectStoreLikes : public ObjectStoreContract {
 protected:
  // Runs `check`, whose failures mean that the store lacks `what`.
  void Like(const std::string& what, const std::function<void()>& check) {
    testing::TestPartResultArray results;
    {
      const testing::ScopedFakeTestPartResultReporter reporter(testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
      check();
    }
    std::string why;
    for (int i = 0; i < results.size() && why.empty(); ++i) {
      if (results.GetTestPartResult(i).failed()) why = results.GetTestPartResult(i).message();
    }
    if (why.empty()) return;
    std::replace(why.begin(), why.end(), '\n', ' ');
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    const std::string bare = name.substr(0, name.find('/'));
    const auto allowed = Environ("VORA_TEST_S3_LACKS");
    if (GetParam() != "s3" || (allowed && ("," + *allowed + ",").find("," + bare + ",") == std::string::npos)) {
      ADD_FAILURE() << "lacks " << what << ": " << why;
      return;
    }
    all_lacks.Note(store_->Describe(), bare, what + " (" + why.substr(0, 300) + ")");
    GTEST_SKIP() << "the store lacks " << what;
  }
  void PutAll(const std::vector<std::string>& names) {
    for (const std::string& name : names) ASSERT_OK(store_->Put(Key(name), name, {}));
  }
  void ExpectAll(const std::vector<std::string>& names) {
    for (const std::string& name : names) EXPECT_EQ(store_->Get(Key(name)).value_or("?"), name);
  }
};

TEST_P(ObjectStoreLikes, KeyMayBeTheFolderOfAnother) {
  Like("keys that are folders of others", [&] {
    const std::vector<std::string> keys = {"a", "a/b", "a/b/c", "a-b", "a-b/c", "d/e/f", "d/e"};
    PutAll(keys);
    EXPECT_EQ(ListAll(prefix_, 2), InByteOrder(keys));
    ExpectAll(keys);
    ASSERT_OK(store_->Delete(Key("a")));
    EXPECT_EQ(store_->Get(Key("a/b")).value_or("?"), "a/b");
  });
}

TEST_P(ObjectStoreLikes, OrderIsThatOfBytesAcrossFolders) {
  Like("byte order of keys whose folders begin alike", [&] {
    const std::vector<std::string> keys = {"a!", "a-b/c", "a.b", "a/b.c", "a/b/c", "a/b0", "a0", "B", "z@/q", "z^/q", "z~"};
    PutAll(keys);
    for (int page : {1, 2, 7, 1000}) EXPECT_EQ(ListAll(prefix_, page), InByteOrder(keys)) << page;
    EXPECT_EQ(ListAll(Key("a/b"), 1), (std::vector<std::string>{"a/b.c", "a/b/c", "a/b0"}));
    EXPECT_EQ(ListAll(Key("a-"), 5), std::vector<std::string>{"a-b/c"});
  });
}

TEST_P(ObjectStoreLikes, KeysHoldAnyCharacter) {
  Like("keys of unusual characters", [&] {
    const std::vector<std::string> keys = {
        "\xC3\xA4/\xE2\x82\xAC", "a b+c", "%2F/%", "q?x=1", "k&<>'", "k\"", ".tmp", "z/.locks", "z~", "z^"};
    PutAll(keys);
    EXPECT_EQ(ListAll(prefix_, 3), InByteOrder(keys));
    ExpectAll(keys);
  });
}

TEST_P(ObjectStoreLikes, BackslashesStay) {
  Like("backslashes in keys", [&] {
    PutAll({"k\\l"});
    EXPECT_EQ(ListAll(prefix_, 3), std::vector<std::string>{"k\\l"});
    ExpectAll({"k\\l"});
    EXPECT_CODE(store_->Head(Key("k/l")), kNotFound);
  });
}

TEST_P(ObjectStoreLikes, TakesLongKeys) {
  Like("names of more than 255 bytes", [&] {
    const std::string segment(200, 's');
    const std::vector<std::string> names = {segment + "!", segment + segment.substr(0, 199), segment + "/" + segment, std::string(900, 'y'),
                                            segment.substr(0, 199)};
    PutAll(names);
    EXPECT_EQ(ListAll(prefix_, 3), InByteOrder(names));
    ExpectAll(names);
  });
}

TEST_P(ObjectStoreLikes, TheSamePartAgainHasTheSameEtag) {
  Like("ETags of parts that are those of their bytes", [&] {
    const auto id = store_->CreateMultipart(Key("m"), {.part_size = kPart});
    ASSERT_OK(id);
    const auto first = store_->UploadPart(Key("m"), *id, 1, "bytes");
    ASSERT_OK(first);
    const auto again = store_->UploadPart(Key("m"), *id, 1, "bytes");
    ASSERT_OK(again);
    EXPECT_EQ(first->etag, again->etag);
    ASSERT_OK(store_->AbortMultipart(Key("m"), *id));
  });
}

TEST_P(ObjectStoreLikes, ReplacedPartsAreGone) {
  Like("that a part which was replaced is gone, and no longer listed", [&] {
    const auto id = store_->CreateMultipart(Key("m"), {.part_size = kPart});
    ASSERT_OK(id);
    const auto stale = store_->UploadPart(Key("m"), *id, 1, "first");
    ASSERT_OK(stale);
    ASSERT_OK(store_->UploadPart(Key("m"), *id, 1, "second"));
    EXPECT_CODE(store_->CompleteMultipart(Key("m"), *id, {*stale}), kInvalidArgument);
    ASSERT_OK(store_->AbortMultipart(Key("m"), *id));
  });
}

TEST_P(ObjectStoreLikes, AbilitiesAreThere) {
  Like("a listing of parts, or a check of Content-MD5", [&] {
    const auto found = store_->FindAbilities(Key("probe"));
    ASSERT_OK(found);
    EXPECT_TRUE(found->lists_parts) << "no listing of parts";
    EXPECT_TRUE(found->checks_sums) << "bytes that are not those of Content-MD5 are let pass";
    EXPECT_EQ(ListAll(prefix_, 10), std::vector<std::string>{});
  });
}

INSTANTIATE_TEST_SUITE_P(Stores, ObjectStoreLikes, testing::ValuesIn(KindsOfStore()), NameOf);

}  // namespace
}  // namespace vora::storage
