// What every ObjectStore must do; what Vora only likes one to do is asked by object_store_likes_test.cc. tests/run.sh starts a Ceph RGW, a
// SeaweedFS and a versitygw for it. Nothing is asked for that AWS does not promise.

#include <thread>

#include "libs/storage/base/store_check.h"
#include "libs/storage/object_store_fixture_test.h"

namespace vora::storage {
namespace {

TEST_P(ObjectStoreContract, PutsAndReads) {
  PutOptions options;
  options.content_type = "video/mp4";
  auto put = store_->Put(Key("a/b"), "hello", options);
  ASSERT_OK(put);
  ObjectInfo info;
  auto got = store_->Get(Key("a/b"), 100, &info);
  ASSERT_OK(got);
  EXPECT_EQ(*got, "hello");
  EXPECT_EQ(info.key, Key("a/b"));
  EXPECT_EQ(info.size, 5);
  EXPECT_EQ(info.content_type, "video/mp4");
  EXPECT_EQ(info.etag, put->etag);
  EXPECT_EQ(info.etag.find('"'), std::string::npos);
  EXPECT_GT(info.modified_unix_ms, 1'600'000'000'000);
  auto head = store_->Head(Key("a/b"));
  ASSERT_OK(head);
  EXPECT_EQ(head->etag, put->etag);
  EXPECT_EQ(head->size, 5);
  EXPECT_EQ(head->content_type, "video/mp4");
  auto list = store_->List(prefix_);
  ASSERT_OK(list);
  ASSERT_EQ(list->objects.size(), 1U);
  EXPECT_EQ(list->objects[0].etag, put->etag);
  EXPECT_EQ(list->objects[0].size, 5);
}

TEST_P(ObjectStoreContract, KeepsWhatAnObjectIsACopyOf) {
  const std::string of(128, 'e');
  ASSERT_OK(store_->Put(Key("copy"), "hello", {.copied_from = of}));
  EXPECT_EQ(store_->Head(Key("copy"))->copied_from, of);
  ASSERT_OK(store_->Put(Key("copy"), "hello", {}));
  EXPECT_EQ(store_->Head(Key("copy"))->copied_from, "") << "written anew it is a copy no more";
  auto id = store_->CreateMultipart(Key("large"), {.copied_from = "-CJ2+/=,'3"});
  ASSERT_OK(id);
  auto part = store_->UploadPart(Key("large"), *id, 1, "part");
  ASSERT_OK(part);
  ASSERT_OK(store_->CompleteMultipart(Key("large"), *id, {*part}));
  EXPECT_EQ(store_->Head(Key("large"))->copied_from, "-CJ2+/=,'3");
  EXPECT_CODE(store_->Put(Key("copy"), "", {.copied_from = of + "e"}), kInvalidArgument);
  EXPECT_CODE(store_->CreateMultipart(Key("large"), {.copied_from = "a\nb"}), kInvalidArgument);
}

TEST_P(ObjectStoreContract, ReplacesAndDeletes) {
  ASSERT_OK(store_->Put(Key("x"), "one", {}));
  ASSERT_OK(store_->Put(Key("x"), "second", {}));
  EXPECT_EQ(store_->Get(Key("x")).value_or("?"), "second");
  EXPECT_CODE(store_->Get(Key("x"), 3), kResourceExhausted);
  ASSERT_OK(store_->Delete(Key("x")));
  ASSERT_OK(store_->Delete(Key("x")));
  EXPECT_CODE(store_->Head(Key("x")), kNotFound);
  EXPECT_CODE(store_->Open(Key("x")), kNotFound);
  EXPECT_CODE(store_->Get(Key("never/was")), kNotFound);
}

TEST_P(ObjectStoreContract, ReadsEmptyObjects) {
  ASSERT_OK(store_->Put(Key("empty"), "", {}));
  EXPECT_EQ(store_->Get(Key("empty")).value_or("?"), "");
  auto reader = store_->Open(Key("empty"), 0, 10);
  ASSERT_OK(reader);
  EXPECT_EQ((*reader)->info().size, 0);
  EXPECT_CODE(store_->Open(Key("empty"), 1), kOutOfRange);
}

TEST_P(ObjectStoreContract, ReadsRanges) {
  std::string bytes = Pattern(300'000, 1);
  ASSERT_OK(store_->Put(Key("r"), bytes, {}));
  struct Case {
    int64_t offset, length;
  };
  for (Case c : {Case{0, -1}, Case{0, 1}, Case{1, 100'000}, Case{299'999, 1}, Case{299'999, 50}, Case{300'000, 5}, Case{300'000, -1},
                 Case{5, 0}, Case{250'000, 1'000'000}, Case{7, INT64_MAX}}) {
    auto reader = store_->Open(Key("r"), c.offset, c.length);
    ASSERT_OK(reader);
    EXPECT_EQ((*reader)->info().size, 300'000);
    auto read = ReadAll(**reader);
    ASSERT_OK(read);
    size_t length = c.length < 0 ? std::string::npos : static_cast<size_t>(c.length);
    EXPECT_TRUE(*read == bytes.substr(static_cast<size_t>(c.offset), length)) << c.offset << " " << c.length;
  }
  EXPECT_CODE(store_->Open(Key("r"), 300'001), kOutOfRange);
  EXPECT_CODE(store_->Open(Key("r"), -1), kInvalidArgument);
}

TEST_P(ObjectStoreContract, ReaderMayBeLeftEarly) {
  std::string bytes = Pattern(20 << 20, 2);
  ASSERT_OK(store_->Put(Key("big"), bytes, {}));
  for (int i = 0; i < 5; ++i) {
    auto reader = store_->Open(Key("big"));
    ASSERT_OK(reader);
    std::string head(1000, '\0');
    auto n = (*reader)->Read(head.data(), head.size());
    ASSERT_OK(n);
    EXPECT_EQ(head.substr(0, *n), bytes.substr(0, *n));
  }
  auto reader = store_->Open(Key("big"));
  ASSERT_OK(reader);
  auto all = ReadAll(**reader);
  ASSERT_OK(all);
  EXPECT_TRUE(*all == bytes);
}

TEST_P(ObjectStoreContract, WritesOnce) {
  PutOptions once;
  once.if_absent = true;
  ASSERT_OK(store_->Put(Key("once"), "first", once));
  EXPECT_CODE(store_->Put(Key("once"), "later", once), kAlreadyExists);
  EXPECT_EQ(store_->Get(Key("once")).value_or("?"), "first");
}

TEST_P(ObjectStoreContract, ComparesAndSwaps) {
  auto first = store_->Put(Key("state"), "{\"n\":1}", {});
  ASSERT_OK(first);
  PutOptions swap;
  swap.if_match = first->etag;
  auto second = store_->Put(Key("state"), "{\"n\":2}", swap);
  ASSERT_OK(second);
  EXPECT_NE(first->etag, second->etag);
  EXPECT_CODE(store_->Put(Key("state"), "{\"n\":3}", swap), kAborted);
  EXPECT_EQ(store_->Get(Key("state")).value_or("?"), "{\"n\":2}");
  EXPECT_CODE(store_->Put(Key("absent"), "x", swap), kNotFound);
}

TEST_P(ObjectStoreContract, OneOfManyWritersWins) {
  constexpr int kWriters = 12;
  for (bool absent : {true, false}) {
    std::string key = Key(absent ? "race-once" : "race-swap");
    PutOptions options;
    options.if_absent = absent;
    if (!absent) {
      auto first = store_->Put(key, "start", {});
      ASSERT_OK(first);
      options.if_match = first->etag;
    }
    std::vector<Status> results(kWriters);
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] { results[static_cast<size_t>(i)] = store_->Put(key, "writer " + std::to_string(i), options).status(); });
    }
    for (auto& writer : writers) writer.join();
    int winners = 0;
    std::string expected;
    for (int i = 0; i < kWriters; ++i) {
      const Status& result = results[static_cast<size_t>(i)];
      if (result.ok()) {
        ++winners;
        expected = "writer " + std::to_string(i);
      } else {
        EXPECT_EQ(result.code(), absent ? StatusCode::kAlreadyExists : StatusCode::kAborted) << ToText(result);
      }
    }
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(store_->Get(key).value_or("?"), expected);
  }
}

TEST_P(ObjectStoreContract, CountsWithManySwappers) {
  constexpr int kThreads = 4, kEach = 5;
  ASSERT_OK(store_->Put(Key("counter"), "0", {}));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int done = 0; done < kEach;) {
        ObjectInfo info;
        auto value = store_->Get(Key("counter"), 100, &info);
        ASSERT_OK(value);
        PutOptions swap;
        swap.if_match = info.etag;
        auto put = store_->Put(Key("counter"), std::to_string(std::stoi(*value) + 1), swap);
        if (put.ok()) {
          ++done;
        } else {
          ASSERT_THAT(put, StatusIs(StatusCode::kAborted)) << Text(put);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(store_->Get(Key("counter")).value_or("?"), std::to_string(kThreads * kEach));
}

// Keys as libs/layout makes them.
TEST_P(ObjectStoreContract, ListsInByteOrderWithPaging) {
  std::vector<std::string> keys = {"open/0190", "processed/0190/master.m3u8", "processed/0190/audio_0/init.mp4"};
  for (int i = 0; i < 12; ++i) keys.push_back("processed/0190/video_1/seg_" + std::to_string(i) + ".m4s");
  for (const char* name : {"original", "state", "tail.1", "tail.12", "tail.2"}) keys.push_back(std::string("raw/0190/") + name);
  for (const std::string& key : keys) ASSERT_OK(store_->Put(Key(key), key, {}));
  keys = InByteOrder(keys);
  for (int page : {1, 2, 7, 1000}) EXPECT_EQ(ListAll(prefix_, page), keys) << page;
  for (const std::string& key : keys) EXPECT_EQ(store_->Get(Key(key)).value_or("?"), key);
  EXPECT_EQ(ListAll(Key("raw/0190/tail."), 2), (std::vector<std::string>{"raw/0190/tail.1", "raw/0190/tail.12", "raw/0190/tail.2"}));
  EXPECT_EQ(ListAll(Key("open/"), 5), std::vector<std::string>{"open/0190"});
  EXPECT_EQ(ListAll(Key("nothing"), 5), std::vector<std::string>{});
}

TEST_P(ObjectStoreContract, RefusesBadArguments) {
  for (const char* key : {"", "/a", "a/", "a//b", ".", "..", "../x", "a/../b", "a/./b", "a/..", "a\nb", "\xFF", "a\x7F"}) {
    EXPECT_CODE(store_->Put(key, "x", {}), kInvalidArgument);
    EXPECT_CODE(store_->Open(key), kInvalidArgument);
    EXPECT_CODE(store_->Head(key), kInvalidArgument);
    EXPECT_CODE(store_->Delete(key), kInvalidArgument);
    EXPECT_CODE(store_->CreateMultipart(key, {}), kInvalidArgument);
  }
  PutOptions both;
  both.if_absent = true;
  both.if_match = "x";
  EXPECT_CODE(store_->Put(Key("k"), "x", both), kInvalidArgument);
  PutOptions header;
  header.content_type = "text/plain\r\nX-Evil: 1";
  EXPECT_CODE(store_->Put(Key("k"), "x", header), kInvalidArgument);
  EXPECT_CODE(store_->DeletePrefix("no-slash"), kInvalidArgument);
  EXPECT_CODE(store_->DeletePrefix("/"), kInvalidArgument);
  EXPECT_CODE(store_->DeletePrefix(""), kInvalidArgument);
  MultipartOptions small;
  small.part_size = kPart - 1;
  EXPECT_CODE(store_->CreateMultipart(Key("k"), small), kInvalidArgument);
}

TEST_P(ObjectStoreContract, AssemblesMultipart) {
  MultipartOptions options;
  options.part_size = kPart;
  options.content_type = "video/webm";
  auto id = store_->CreateMultipart(Key("m"), options);
  ASSERT_OK(id);
  std::vector<std::string> bytes = {Pattern(kPart, 1), Pattern(kPart, 2), Pattern(kPart, 3), Pattern(1234, 4)};
  std::vector<CompletedPart> parts(4);
  std::vector<std::thread> threads;
  for (int n : {4, 1, 3, 2}) {
    threads.emplace_back([&, n] {
      auto part = store_->UploadPart(Key("m"), *id, n, bytes[static_cast<size_t>(n - 1)]);
      ASSERT_OK(part);
      EXPECT_EQ(part->number, n);
      parts[static_cast<size_t>(n - 1)] = *part;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_CODE(store_->Head(Key("m")), kNotFound);
  EXPECT_EQ(ListAll(prefix_, 10), std::vector<std::string>{});
  auto info = store_->CompleteMultipart(Key("m"), *id, parts);
  ASSERT_OK(info);
  EXPECT_EQ(info->size, 3 * kPart + 1234);
  auto head = store_->Head(Key("m"));
  ASSERT_OK(head);
  EXPECT_EQ(head->etag, info->etag);
  EXPECT_EQ(head->content_type, "video/webm");
  auto got = store_->Get(Key("m"), 1 << 30);
  ASSERT_OK(got);
  EXPECT_TRUE(*got == bytes[0] + bytes[1] + bytes[2] + bytes[3]);
  // Again: the answer may have been lost.
  auto again = store_->CompleteMultipart(Key("m"), *id, parts);
  ASSERT_OK(again);
  EXPECT_EQ(again->etag, info->etag);
  EXPECT_EQ(again->size, info->size);
  EXPECT_CODE(store_->UploadPart(Key("m"), *id, 1, bytes[0]), kNotFound);
  ASSERT_OK(store_->AbortMultipart(Key("m"), *id));
  EXPECT_THAT(store_->Head(Key("m")), IsOk());
  // Once the object is another one, the upload did not make it.
  ASSERT_OK(store_->Put(Key("m"), "other", {}));
  EXPECT_CODE(store_->CompleteMultipart(Key("m"), *id, parts), kNotFound);
}

TEST_P(ObjectStoreContract, ReplacesParts) {
  MultipartOptions options;
  options.part_size = kPart;
  auto id = store_->CreateMultipart(Key("m"), options);
  ASSERT_OK(id);
  std::string first = Pattern(kPart, 1), second = Pattern(kPart, 2), tail = Pattern(100, 3);
  ASSERT_OK(store_->UploadPart(Key("m"), *id, 1, first));
  auto replaced = store_->UploadPart(Key("m"), *id, 1, second);
  ASSERT_OK(replaced);
  auto longer = store_->UploadPart(Key("m"), *id, 2, first);
  ASSERT_OK(longer);
  auto p2 = store_->UploadPart(Key("m"), *id, 2, tail);
  ASSERT_OK(p2);
  EXPECT_CODE(store_->CompleteMultipart(Key("m"), *id, {*replaced, *p2, {3, p2->etag}}), kInvalidArgument);
  ASSERT_OK(store_->CompleteMultipart(Key("m"), *id, {*replaced, *p2}));
  auto got = store_->Get(Key("m"), 1 << 30);
  ASSERT_OK(got);
  EXPECT_TRUE(*got == second + tail);
}

TEST_P(ObjectStoreContract, AbortsMultipart) {
  auto id = store_->CreateMultipart(Key("m"), {});
  ASSERT_OK(id);
  auto part = store_->UploadPart(Key("m"), *id, 1, "only");
  ASSERT_OK(part);
  EXPECT_CODE(store_->UploadPart(Key("m"), *id, 0, "x"), kInvalidArgument);
  EXPECT_CODE(store_->UploadPart(Key("m"), *id, 10'001, "x"), kInvalidArgument);
  EXPECT_CODE(store_->UploadPart(Key("other"), *id, 1, "x"), kNotFound);
  ASSERT_OK(store_->AbortMultipart(Key("m"), *id));
  ASSERT_OK(store_->AbortMultipart(Key("m"), *id));
  EXPECT_CODE(store_->UploadPart(Key("m"), *id, 1, "x"), kNotFound);
  EXPECT_CODE(store_->CompleteMultipart(Key("m"), *id, {*part}), kNotFound);
  EXPECT_CODE(store_->Head(Key("m")), kNotFound);
  EXPECT_CODE(store_->UploadPart(Key("m"), NewId(), 1, "x"), kNotFound);
  EXPECT_CODE(store_->UploadPart(Key("m"), "../../x", 1, "x"), kNotFound);
}

TEST_P(ObjectStoreContract, DeletesByPrefix) {
  for (const char* key : {"d/1", "d/2/3", "d/2/4", "d-e", "dd", "c"}) ASSERT_OK(store_->Put(Key(key), key, {}));
  auto deleted = store_->DeletePrefix(Key("d/"));
  ASSERT_OK(deleted);
  EXPECT_EQ(*deleted, 3);
  EXPECT_EQ(ListAll(prefix_, 10), (std::vector<std::string>{"c", "d-e", "dd"}));
  EXPECT_EQ(store_->DeletePrefix(Key("d/")).value_or(-1), 0);
}

TEST_P(ObjectStoreContract, HonoursConditionsAndAnswersPing) {
  ASSERT_OK(store_->Ping());
  ASSERT_OK(CheckStore(*store_, "raw", metrics_));
  for (const char* ability : {"create_only", "if_match", "ranges"}) {
    const std::string line = std::string("vora_object_store_honours{ability=\"") + ability + "\",root=\"raw\"} 1\n";
    EXPECT_NE(metrics_.Expose().find(line), std::string::npos) << line;
  }
  EXPECT_EQ(store_->Describe().find("secret"), std::string::npos);
  EXPECT_NE(metrics_.Expose().find("vora_object_store_requests_total{op=\"put\",result=\"aborted\"} 1"), std::string::npos)
      << metrics_.Expose();
}

INSTANTIATE_TEST_SUITE_P(Stores, ObjectStoreContract, testing::ValuesIn(KindsOfStore()), NameOf);

}  // namespace
}  // namespace vora::storage
