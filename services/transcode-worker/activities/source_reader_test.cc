#include "services/transcode-worker/activities/source_reader.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "libs/core/error.h"
#include "libs/media/testing/test_media.h"
#include "libs/sources/pinned_file.h"
#include "libs/storage/folder/folder_store.h"
#include "libs/storage/open_store.h"
#include "libs/testing/status_matchers.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/worker_context.h"

namespace vora::transcode {
namespace {

class SourceReaderTest : public ::testing::Test {
 protected:
  SourceReaderTest() : store_(*storage::OpenObjectStore("file://" + folder_ / "store", metrics_)) {
    for (int i = 0; i < 100000; ++i) content_ += std::to_string(i) + ",";
    EXPECT_THAT(store_->Put("raw/u/original", content_, {}), IsOk());
  }
  TempFolder folder_;
  obs::Metrics metrics_;
  std::unique_ptr<storage::ObjectStore> store_;
  std::string content_;
};

TEST_F(SourceReaderTest, GivesTheSameBytesInAnyOrderThroughASmallCache) {
  SourceReaderOptions options;
  options.block_bytes = 4096;
  options.cached_blocks = 3;
  auto reader = SourceReader::Open(*store_, "raw/u/original", nullptr, options);
  ASSERT_THAT(reader, IsOk());
  EXPECT_EQ((*reader)->size(), static_cast<int64_t>(content_.size()));
  for (int64_t offset = 0; offset < (*reader)->size(); offset += 5000) {
    ASSERT_EQ(*(*reader)->Read(offset, 5000), content_.substr(static_cast<size_t>(offset), 5000));
  }
  uint32_t random = 1;
  for (int i = 0; i < 500; ++i) {
    random = random * 1664525 + 1013904223;
    const auto offset = static_cast<int64_t>(random % content_.size());
    ASSERT_EQ(*(*reader)->Read(offset, 9000), content_.substr(static_cast<size_t>(offset), 9000));
  }
  EXPECT_EQ(*(*reader)->Read((*reader)->size(), 10), "");
  EXPECT_EQ(*(*reader)->Read((*reader)->size() + 5, 10), "");
}

TEST_F(SourceReaderTest, NamesAMissingSource) {
  EXPECT_THAT(SourceReader::Open(*store_, "raw/none", nullptr), StatusIs(StatusCode::kNotFound));
}

// Files of others, each read in a version that is named.
class PinnedReadTest : public ::testing::Test {
 protected:
  PinnedReadTest() {
    std::filesystem::create_directories(folder_ / "nas");
    for (int i = 0; i < 20'000; ++i) content_ += std::to_string(i) + ",";
    Write(content_);
    etag_ = store_.Head("film.mkv")->etag;
  }
  std::string Path() const { return folder_ / "nas/film.mkv"; }
  void Write(const std::string& text) { std::ofstream(Path(), std::ios::binary) << text; }
  StatusOr<std::unique_ptr<SourceReader>> Open(const std::string& etag) {
    SourceReaderOptions options;
    options.block_bytes = 4096;
    options.cached_blocks = 3;
    options.read_ahead_blocks = 0;
    options.etag = etag;
    return SourceReader::Open(store_, "film.mkv", nullptr, options);
  }
  // Told at once, and never tried again.
  static void ExpectChanged(const Status& status, std::chrono::steady_clock::time_point begun) {
    EXPECT_TRUE(IsError(status, errors::kImportChanged)) << status;
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20)) << "as if it could pass";
    EXPECT_EQ(FailureOf(status).code(), "import.changed");
    EXPECT_TRUE(FailureOf(status).non_retryable());
  }
  TempFolder folder_;
  storage::FolderStore store_{folder_ / "nas"};
  std::string content_, etag_;
};

TEST_F(PinnedReadTest, AnotherVersionIsNotOpened) {
  ASSERT_THAT(Open(etag_), IsOk());
  ASSERT_THAT(Open(""), IsOk()) << "whichever there is";
  const auto begun = std::chrono::steady_clock::now();
  ExpectChanged(Open("another").status(), begun);
  Write(content_);  // the same bytes, at another time
  ExpectChanged(Open(etag_).status(), begun);
}

TEST_F(PinnedReadTest, AVersionThatChangesBetweenBlocksIsReadNoFurther) {
  const std::function<void()> changes[] = {[&] { Write(std::string(content_.size(), 'x')); }, [&] { Write("short"); },
                                           [&] { std::filesystem::resize_file(Path(), 50'000); }};
  for (const auto& change : changes) {
    Write(content_);
    const auto reader = Open(store_.Head("film.mkv")->etag);
    ASSERT_THAT(reader, IsOk());
    EXPECT_THAT((*reader)->Read(0, 5000), IsOkAndHolds(content_.substr(0, 5000)));
    change();
    const auto begun = std::chrono::steady_clock::now();
    ExpectChanged((*reader)->Read(60'000, 10).status(), begun);
    EXPECT_THAT((*reader)->Read(10, 20), IsOkAndHolds(content_.substr(10, 20))) << "from the cache";
  }
}

TEST_F(PinnedReadTest, WhichOneItIsIsOfNoInterestWhereNobodyAsked) {
  const auto reader = Open("");
  ASSERT_THAT((*reader)->Read(0, 5000), IsOk());
  Write(std::string(content_.size(), 'x'));
  EXPECT_THAT((*reader)->Read(60'000, 3), IsOkAndHolds("xxx"));
}

// Its readers break, as those of a file that is written to.
class BreakingStore final : public storage::ReadOnlyStore {
 public:
  explicit BreakingStore(storage::ObjectInfo info) : info_(std::move(info)) {}
  StatusOr<std::unique_ptr<storage::ObjectReader>> Open(const std::string&, int64_t, int64_t) override {
    class Reader final : public storage::ObjectReader {
     public:
      explicit Reader(storage::ObjectInfo info) : info_(std::move(info)) {}
      const storage::ObjectInfo& info() const override { return info_; }
      StatusOr<size_t> Read(char*, size_t) override { return Aborted("changed while it was read"); }

     private:
      const storage::ObjectInfo info_;
    };
    ++opens;
    return std::unique_ptr<storage::ObjectReader>(std::make_unique<Reader>(info_));
  }
  StatusOr<storage::ObjectInfo> Head(const std::string&) override { return info_; }
  StatusOr<storage::ListPage> List(const std::string&, const std::string&, int) override { return storage::ListPage(); }
  Status Ping() override { return absl::OkStatus(); }
  std::string Describe() const override { return "breaking"; }
  std::atomic<int> opens{0};

 private:
  const storage::ObjectInfo info_;
};

TEST_F(PinnedReadTest, AVersionThatChangesWithinABlockIsAskedForOnce) {
  BreakingStore store({"film.mkv", 10'000, "v1", "", 0});
  SourceReaderOptions options;
  options.etag = "v1";
  const auto reader = SourceReader::Open(store, "film.mkv", nullptr, options);
  ASSERT_THAT(reader, IsOk());
  ExpectChanged((*reader)->Read(0, 10).status(), std::chrono::steady_clock::now());
  EXPECT_EQ(store.opens, 1);
  options.etag.clear();
  options.patience = std::chrono::milliseconds(0);
  EXPECT_THAT((*SourceReader::Open(store, "film.mkv", nullptr, options))->Read(0, 10), StatusIs(StatusCode::kAborted));
}

TEST_F(PinnedReadTest, TheContextOpensFilesOfSourcesByTheirNames) {
  obs::Metrics metrics;
  const auto no_keys = [](const std::string&) { return std::optional<std::string>(); };
  const auto sources = sources::Sources::Open("nas=file://" + folder_ / "nas", no_keys, metrics);
  ASSERT_THAT(sources, IsOk());
  const auto own = storage::OpenObjectStore("file://" + folder_ / "store", metrics);
  ASSERT_THAT(own, IsOk());
  ASSERT_THAT((*own)->Put("raw/u/original", "ours", {}), IsOk());
  WorkerOptions options;
  options.store_patience = std::chrono::milliseconds(0);
  const WorkerContext context(**own, *sources, metrics, options);
  const auto read = [&](const std::string& key) -> StatusOr<std::string> {
    VORA_ASSIGN_OR_RETURN(const auto reader, context.OpenSource(key, nullptr));
    return reader->Read(0, 1 << 20);
  };
  EXPECT_THAT(read("raw/u/original"), IsOkAndHolds("ours"));
  const auto size = static_cast<int64_t>(content_.size());
  EXPECT_THAT(read(sources::FormatPinnedFile({"nas", "film.mkv", etag_, size})), IsOkAndHolds(content_));
  std::filesystem::rename(Path(), folder_ / "nas/a b ä.mkv");
  etag_ = store_.Head("a b ä.mkv")->etag;
  EXPECT_THAT(read(sources::FormatPinnedFile({"nas", "a b ä.mkv", etag_, size})), IsOkAndHolds(content_));
  EXPECT_EQ(FailureOf(read(sources::FormatPinnedFile({"nas", "a b ä.mkv", "v0", size})).status()).code(), "import.changed");
  EXPECT_EQ(FailureOf(read(sources::FormatPinnedFile({"nas", "film.mkv", etag_, size})).status()).code(), "source.not_found");
  EXPECT_THAT(read("source://nas/film.mkv"), StatusIs(StatusCode::kInvalidArgument));
  // Another worker may know it, or it may be mounted again.
  EXPECT_THAT(read(sources::FormatPinnedFile({"other", "film.mkv", etag_, size})), StatusIs(StatusCode::kUnavailable));
  std::filesystem::rename(folder_ / "nas", folder_ / "away");
  EXPECT_THAT(read(sources::FormatPinnedFile({"nas", "film.mkv", etag_, size})), StatusIs(StatusCode::kUnavailable));
}

TEST(WaitOutFaults, RepeatsTransientFaultsOnlyUntilPatienceEnds) {
  int calls = 0;
  EXPECT_THAT(WaitOutFaults(std::chrono::seconds(10), nullptr, [&] { return ++calls < 3 ? Unavailable("away") : Status(); }), IsOk());
  EXPECT_EQ(calls, 3);
  calls = 0;
  EXPECT_THAT(WaitOutFaults(std::chrono::seconds(10), nullptr, [&] { return ++calls, NotFound("none"); }), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(calls, 1);
  calls = 0;
  EXPECT_EQ(WaitOutFaults(std::chrono::milliseconds(0), nullptr, [&] { return ++calls, Unavailable("away"); }).code(),
            StatusCode::kUnavailable);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(WaitOutFaults(
                std::chrono::seconds(100), [] { return true; }, [&] { return Unavailable("away"); })
                .code(),
            StatusCode::kUnavailable);
}

}  // namespace
}  // namespace vora::transcode
