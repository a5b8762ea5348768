#include "services/transcode-worker/imports/copy_file.h"

#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/core/error.h"
#include "libs/obs/metrics.h"
#include "libs/sources/pinned_file.h"
#include "libs/storage/local/local_store.h"
#include "libs/storage/testing/faulty_store.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"
#include "services/transcode-worker/imports/import_matchers_test.h"
#include "services/transcode-worker/imports/scripted_server_test.h"
#include "services/transcode-worker/imports/url_origin.h"

namespace vora::transcode {
namespace {

using storage::FaultyStore;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using workflow::v1::CopyFileCheckpoint;
using workflow::v1::PinnedFile;

constexpr int64_t kPartBytes = 5 << 20;  // the least that a store takes
constexpr char kCopyKey[] = "raw/u/original";

// Gives `content`, and ends as the script says: one step for each Read, then to the end.
class ScriptedOrigin final : public Origin {
 public:
  struct Step {
    int64_t until = 0;  // byte of the file
    Status ends;        // and how
  };
  StatusOr<PinnedFile> Pin() override {
    ++pins;
    VORA_RETURN_IF_ERROR(std::exchange(pin_fails, Status()));
    PinnedFile file;
    file.set_etag(etag);
    file.set_size(knows_size ? static_cast<int64_t>(content.size()) : -1);
    file.set_ranges(ranges);
    return file;
  }
  Status Read(const PinnedFile&, int64_t offset, const std::function<Status(std::string_view)>& take) override {
    offsets.push_back(offset);
    Step step{static_cast<int64_t>(content.size()), Status()};
    if (!script.empty()) {
      step = script.front();
      script.pop_front();
    }
    constexpr int64_t kPiece = 100'003;
    while (offset < step.until) {
      const int64_t length = std::min(kPiece, step.until - offset);
      VORA_RETURN_IF_ERROR(take(std::string_view(content).substr(static_cast<size_t>(offset), static_cast<size_t>(length))));
      offset += length;
    }
    return step.ends;
  }

  std::string content, etag = "\"v1\"";
  bool knows_size = true, ranges = true;
  Status pin_fails;
  std::deque<Step> script;
  std::vector<int64_t> offsets;  // where each Read began
  int pins = 0;
};

class FileCopyTest : public ::testing::Test {
 protected:
  FileCopyTest() : store_(std::make_unique<FaultyStore>(*storage::LocalObjectStore::Create(folder_ / "store"))) {
    store_->Rule([this](std::string_view call, const std::string&) {
      ++calls_[std::string(call)];
      return verdict_ ? verdict_(call) : FaultyStore::Verdict::kPass;
    });
    origin_.content = FilmOf(static_cast<size_t>(2 * kPartBytes + 123'456));
  }
  // Pins the origin and begins the copy of that.
  void Begin() { Begin(origin_); }
  void Begin(Origin& origin) {
    const auto file = origin.Pin();
    ASSERT_THAT(file, IsOk());
    *input_.mutable_file() = *file;
    input_.set_key(kCopyKey);
    input_.mutable_copy()->set_part_bytes(kPartBytes);
    const auto id = store_->CreateMultipart(kCopyKey, {.part_size = kPartBytes});
    ASSERT_THAT(id, IsOk());
    input_.mutable_copy()->set_multipart_id(*id);
    origin_.pins = 0;
  }
  // An attempt, which begins with the last checkpoint.
  StatusOr<int64_t> Attempt() { return Attempt(origin_); }
  StatusOr<int64_t> Attempt(Origin& origin) {
    const auto tell = [this](const CopyFileCheckpoint& done) {
      checkpoint_ = done;
      if (on_part_) on_part_();
    };
    return FileCopy(*store_, origin, input_, options_, checkpoint_, tell, [this] { return stopped_; }).Run();
  }
  void ExpectCopied() {
    storage::ObjectInfo info;
    const auto copied = store_->Get(kCopyKey, 64 << 20, &info);
    ASSERT_THAT(copied, IsOk());
    EXPECT_EQ(copied->size(), origin_.content.size());
    EXPECT_TRUE(*copied == origin_.content) << "each byte is where it was";
  }
  void ExpectNothing() { EXPECT_THAT(store_->Head(kCopyKey), StatusIs(StatusCode::kNotFound)); }
  int64_t size() const { return static_cast<int64_t>(origin_.content.size()); }

  TempFolder folder_;
  std::unique_ptr<FaultyStore> store_;
  std::map<std::string, int> calls_;  // of the store, by name
  std::function<FaultyStore::Verdict(std::string_view call)> verdict_;
  ScriptedOrigin origin_;
  ImportOptions options_;
  workflow::v1::CopyFileInput input_;
  CopyFileCheckpoint checkpoint_;
  std::function<void()> on_part_;
  bool stopped_ = false;
};

TEST(CopyPartBytesTest, TenThousandPartsHoldTheFile) {
  constexpr int64_t kMega = 1 << 20, kTera = int64_t{1} << 40;
  EXPECT_EQ(CopyPartBytes(0), 16 * kMega);
  EXPECT_EQ(CopyPartBytes(9'000 * 16 * kMega), 16 * kMega);
  EXPECT_EQ(CopyPartBytes(9'000 * 16 * kMega + 1), 17 * kMega);
  for (const int64_t bytes : {int64_t{1}, 200 * kMega, kTera, 5 * kTera}) {
    EXPECT_LE(bytes / CopyPartBytes(bytes), 9'000) << bytes;
    EXPECT_EQ(CopyPartBytes(bytes) % kMega, 0);
  }
  EXPECT_EQ(CopyPartBytes(-1), 64 * kMega);
}

TEST_F(FileCopyTest, CopiesPartByPart) {
  Begin();
  std::vector<int64_t> told;
  on_part_ = [&] { told.push_back(checkpoint_.bytes()); };
  EXPECT_THAT(Attempt(), IsOkAndHolds(size()));
  EXPECT_THAT(told, ElementsAre(kPartBytes, 2 * kPartBytes, size()));
  EXPECT_EQ(checkpoint_.part_etags_size(), 3);
  EXPECT_THAT(origin_.offsets, ElementsAre(0));
  EXPECT_EQ(origin_.pins, 1) << "looked at once more in the end";
  ExpectCopied();
}

TEST_F(FileCopyTest, ExactMultiplesHaveNoPartBesides) {
  for (const bool known : {true, false}) {
    origin_.content = FilmOf(static_cast<size_t>(2 * kPartBytes));
    origin_.knows_size = known;
    checkpoint_.Clear();
    ASSERT_THAT(store_->Delete(kCopyKey), IsOk());
    Begin();
    EXPECT_THAT(Attempt(), IsOkAndHolds(2 * kPartBytes));
    EXPECT_EQ(checkpoint_.part_etags_size(), 2);
    ExpectCopied();
  }
}

TEST_F(FileCopyTest, ASmallFileIsOnePart) {
  origin_.content = "x";
  Begin();
  EXPECT_THAT(Attempt(), IsOkAndHolds(1));
  ExpectCopied();
}

TEST_F(FileCopyTest, ABrokenLineIsTakenUpWhereItBroke) {
  origin_.script = {{kPartBytes + 2'000'000, Unavailable("cut")}, {2 * kPartBytes, DeadlineExceeded("slow")}};
  Begin();
  EXPECT_THAT(Attempt(), IsOkAndHolds(size())) << "one attempt";
  EXPECT_THAT(origin_.offsets, ElementsAre(0, kPartBytes + 2'000'000, 2 * kPartBytes));
  EXPECT_EQ(calls_["UploadPart"], 3) << "none twice";
  ExpectCopied();
}

TEST_F(FileCopyTest, ALineThatBringsNothingEndsTheAttempt) {
  const int64_t there = 2 * kPartBytes + 5;
  origin_.script = {{there, Unavailable("cut")}, {there, Unavailable("cut")}};
  Begin();
  EXPECT_THAT(Attempt(), StatusIs(StatusCode::kUnavailable, "cut")) << "two parts and a little, and then nothing";
  EXPECT_EQ(calls_["UploadPart"], 2);
  EXPECT_THAT(Attempt(), IsOkAndHolds(size()));
  EXPECT_THAT(origin_.offsets, ElementsAre(0, there, 2 * kPartBytes)) << "what is no part yet is of the attempt alone";
  EXPECT_EQ(calls_["UploadPart"], 3);
  ExpectCopied();
}

TEST_F(FileCopyTest, WhatIsNoPassingFaultEndsTheAttempt) {
  origin_.script = {{kPartBytes + 1, MakeError(errors::kImportRefused, "no longer")}};
  Begin();
  EXPECT_THAT(Attempt(), IsKind(errors::kImportRefused));
  EXPECT_THAT(origin_.offsets, ElementsAre(0));
  ExpectNothing();
}

TEST_F(FileCopyTest, ACrashCostsNoMoreThanAPart) {
  origin_.script = {{2 * kPartBytes + 7, Internal("as if it had crashed")}};
  Begin();
  EXPECT_THAT(Attempt(), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(Attempt(), IsOkAndHolds(size()));
  EXPECT_THAT(origin_.offsets, ElementsAre(0, 2 * kPartBytes));
  EXPECT_EQ(calls_["UploadPart"], 3);
  ExpectCopied();
}

TEST_F(FileCopyTest, ACheckpointThatWasLostCostsOnlyTime) {
  origin_.script = {{2 * kPartBytes + 7, Internal("as if it had crashed")}};
  Begin();
  EXPECT_THAT(Attempt(), StatusIs(StatusCode::kInternal));
  checkpoint_.Clear();
  EXPECT_THAT(Attempt(), IsOkAndHolds(size()));
  ExpectCopied();
}

// As of a server that closes the connection early, and had not said how much would come.
TEST_F(FileCopyTest, AnEndThatComesTooEarlyIsNone) {
  origin_.script = {{kPartBytes + 2'000'000, Status()}};
  Begin();
  EXPECT_THAT(Attempt(), IsOkAndHolds(size()));
  EXPECT_THAT(origin_.offsets, ElementsAre(0, kPartBytes + 2'000'000));
  ExpectCopied();
}

TEST_F(FileCopyTest, AFileThatEndsEarlyIsNotCompleted) {
  for (int i = 0; i < 6; ++i) origin_.script.push_back({size() - 1, Status()});
  Begin();
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Attempt(), Passes());
  EXPECT_EQ(calls_["CompleteMultipart"], 0);
  ExpectNothing();
  origin_.script.clear();
  EXPECT_THAT(Attempt(), IsOkAndHolds(size()));
  ExpectCopied();
}

TEST_F(FileCopyTest, WithoutRangesItBeginsAnew) {
  for (const bool known : {true, false}) {
    origin_.ranges = false;
    origin_.knows_size = known;
    origin_.offsets.clear();
    origin_.script = {{2 * kPartBytes + 7, Unavailable("cut")}};
    checkpoint_.Clear();
    ASSERT_THAT(store_->Delete(kCopyKey), IsOk());
    Begin();
    EXPECT_THAT(Attempt(), StatusIs(StatusCode::kUnavailable, "cut"));
    EXPECT_EQ(checkpoint_.bytes(), 2 * kPartBytes);
    EXPECT_THAT(Attempt(), IsOkAndHolds(size()));
    EXPECT_THAT(origin_.offsets, ElementsAre(0, 0));
    EXPECT_EQ(checkpoint_.part_etags_size(), 3);
    ExpectCopied();
  }
}

TEST_F(FileCopyTest, NothingOfAFileThatChangedIsUsed) {
  const std::function<void()> changes[] = {[&] { origin_.etag = "\"v2\""; }, [&] { origin_.content.pop_back(); },
                                           [&] { origin_.content += "more"; }, [&] { origin_.etag = ""; }};
  for (const auto& change : changes) {
    origin_.etag = "\"v1\"";
    origin_.content = FilmOf(static_cast<size_t>(kPartBytes + 10));
    const std::string before = origin_.content;
    checkpoint_.Clear();
    Begin();
    // While it is looked at for the last time.
    on_part_ = [&] {
      if (checkpoint_.bytes() == static_cast<int64_t>(before.size())) change();
    };
    const auto copied = Attempt();
    EXPECT_THAT(copied, IsKind(errors::kImportChanged));
    EXPECT_FALSE(IsTransient(copied.status()));
    ExpectNothing();
  }
  EXPECT_EQ(calls_["CompleteMultipart"], 0);
}

TEST_F(FileCopyTest, AFileThatIsLongerThanItWasHasChanged) {
  Begin();
  origin_.content += "m";
  EXPECT_THAT(Attempt(), IsKind(errors::kImportChanged));
  ExpectNothing();
}

TEST_F(FileCopyTest, HasALimitAlsoWhereNobodyKnowsTheSize) {
  origin_.knows_size = false;
  options_.max_bytes = size() - 1;
  Begin();
  const auto copied = Attempt();
  EXPECT_THAT(copied, IsKind(errors::kImportTooLarge));
  EXPECT_EQ(DetailOf(copied.status()).limit, std::to_string(size() - 1) + " bytes");
  ExpectNothing();
  options_.max_bytes = size();
  checkpoint_.Clear();
  EXPECT_THAT(Attempt(), IsOkAndHolds(size()));
  ExpectCopied();
}

TEST_F(FileCopyTest, AnEmptyFileIsNone) {
  for (const bool known : {true, false}) {
    origin_.content.clear();
    origin_.knows_size = known;
    Begin();
    EXPECT_THAT(Attempt(), IsKind(errors::kImportNotAFile));
    ExpectNothing();
  }
}

TEST_F(FileCopyTest, StopsBetweenPiecesAndKeepsWhatItHas) {
  Begin();
  on_part_ = [&] { stopped_ = true; };
  EXPECT_THAT(Attempt(), StatusIs(StatusCode::kCancelled));
  EXPECT_EQ(checkpoint_.bytes(), kPartBytes);
  EXPECT_EQ(calls_["UploadPart"], 1);
  stopped_ = false;
  on_part_ = nullptr;
  EXPECT_THAT(Attempt(), IsOkAndHolds(size()));
  EXPECT_THAT(origin_.offsets, ElementsAre(0, kPartBytes));
  ExpectCopied();
}

TEST_F(FileCopyTest, AStoppedCopyIsNotTakenUpByItself) {
  origin_.script = {{kPartBytes + 1, Unavailable("cut")}};
  Begin();
  on_part_ = [&] { stopped_ = true; };
  EXPECT_FALSE(Attempt().ok());
  EXPECT_THAT(origin_.offsets, ElementsAre(0));
}

TEST_F(FileCopyTest, AnAttemptAfterTheLastOneFindsItsObject) {
  for (const bool known : {true, false}) {
    for (const bool ranges : {true, false}) {
      for (const bool checkpoint_kept : {true, false}) {
        origin_.knows_size = known;
        origin_.ranges = ranges;
        checkpoint_.Clear();
        ASSERT_THAT(store_->Delete(kCopyKey), IsOk());
        Begin();
        verdict_ = [](std::string_view call) {
          return call == "CompleteMultipart" ? FaultyStore::Verdict::kLoseAnswer : FaultyStore::Verdict::kPass;
        };
        EXPECT_THAT(Attempt(), Passes()) << "the answer was lost";
        verdict_ = nullptr;
        if (!checkpoint_kept) checkpoint_.Clear();
        origin_.offsets.clear();
        EXPECT_THAT(Attempt(), IsOkAndHolds(size())) << known << ranges << checkpoint_kept;
        if (known && checkpoint_kept) {
          EXPECT_THAT(origin_.offsets, IsEmpty()) << ranges;
        }
        ExpectCopied();
      }
    }
  }
}

TEST_F(FileCopyTest, AnObjectThatAnEarlierRunLeftIsNotTakenForTheFile) {
  ASSERT_THAT(store_->Put(kCopyKey, std::string(static_cast<size_t>(size()), 'x'), {}), IsOk());
  Begin();
  EXPECT_THAT(Attempt(), IsOkAndHolds(size()));
  ExpectCopied();
}

TEST_F(FileCopyTest, PartsThatSomebodyClearedAwayBeginTheCopyAnew) {
  Begin();
  ASSERT_THAT(store_->AbortMultipart(kCopyKey, input_.copy().multipart_id()), IsOk());
  const auto copied = Attempt();
  EXPECT_EQ(DetailOf(copied.status()).reason, errors::kImportChanged.reason) << ToText(copied.status());
}

TEST_F(FileCopyTest, AStoreThatIsAwayCostsNoPart) {
  Begin();
  int parts = 0;
  verdict_ = [&](std::string_view call) {
    if (call != "UploadPart") return FaultyStore::Verdict::kPass;
    return ++parts == 2 ? FaultyStore::Verdict::kLoseAnswer : parts == 3 ? FaultyStore::Verdict::kRefuse : FaultyStore::Verdict::kPass;
  };
  EXPECT_THAT(Attempt(), Passes()) << "nothing came of the second try";
  EXPECT_EQ(checkpoint_.bytes(), kPartBytes);
  EXPECT_THAT(Attempt(), IsOkAndHolds(size()));
  EXPECT_THAT(origin_.offsets, ElementsAre(0, 2 * kPartBytes, kPartBytes));
  ExpectCopied();
}

TEST_F(FileCopyTest, TheLastLookMayFailForAWhile) {
  Begin();
  origin_.pin_fails = Unavailable("away");
  EXPECT_THAT(Attempt(), StatusIs(StatusCode::kUnavailable, "away"));
  ExpectNothing();
  EXPECT_THAT(Attempt(), IsOkAndHolds(size()));
  EXPECT_THAT(origin_.offsets, ElementsAre(0)) << "it has all of it";
  ExpectCopied();
}

TEST_F(FileCopyTest, CopiesTheFileOfASource) {
  std::filesystem::create_directories(folder_ / "nas/films");
  const std::string path = folder_ / "nas/films/ä b.mkv";
  std::ofstream(path, std::ios::binary) << origin_.content;
  obs::Metrics metrics;
  const auto no_keys = [](const std::string&) { return std::optional<std::string>(); };
  const auto sources = sources::Sources::Open("nas=file://" + folder_ / "nas?settle=1h", no_keys, metrics);
  ASSERT_THAT(sources, IsOk());
  workflow::v1::Origin where;
  where.set_source("nas");
  where.set_key("films/ä b.mkv");
  const auto origin = OpenOrigin(where, *sources, options_, [] { return false; });
  ASSERT_THAT(origin, IsOk());
  Begin(**origin);
  EXPECT_EQ(input_.file().filename(), "ä b.mkv");
  EXPECT_EQ(input_.file().size(), size());
  EXPECT_TRUE(input_.file().ranges());
  EXPECT_GT(input_.file().settle_seconds(), 3500);
  EXPECT_LE(input_.file().settle_seconds(), 3600);
  const auto pinned = sources::ParsePinnedFile(input_.file().source_key());
  ASSERT_THAT(pinned, IsOk());
  EXPECT_EQ(pinned->source, "nas");
  EXPECT_EQ(pinned->key, "films/ä b.mkv");
  EXPECT_EQ(pinned->etag, input_.file().etag());
  // As after a crash, and then while it is written to.
  on_part_ = [&] { stopped_ = true; };
  EXPECT_THAT(Attempt(**origin), StatusIs(StatusCode::kCancelled));
  stopped_ = false;
  on_part_ = nullptr;
  EXPECT_THAT(Attempt(**origin), IsOkAndHolds(size()));
  EXPECT_EQ(calls_["UploadPart"], 3);
  ExpectCopied();

  const auto begin_anew = [&] {
    checkpoint_.Clear();
    ASSERT_THAT(store_->Delete(kCopyKey), IsOk());
    Begin(**origin);
  };
  begin_anew();
  on_part_ = [&] { std::ofstream(path, std::ios::binary | std::ios::app) << "more"; };
  EXPECT_THAT(Attempt(**origin), IsKind(errors::kImportChanged));
  on_part_ = nullptr;
  begin_anew();
  std::filesystem::resize_file(path, 10);
  EXPECT_THAT(Attempt(**origin), IsKind(errors::kImportChanged));
  checkpoint_.set_bytes(kPartBytes);
  EXPECT_THAT(Attempt(**origin), IsKind(errors::kImportChanged)) << "shorter than what is read from";
  std::filesystem::rename(path, path + "2");
  EXPECT_THAT(Attempt(**origin), IsKind(errors::kImportNotFound));
  EXPECT_THAT((*origin)->Pin(), IsKind(errors::kImportNotFound));
  std::filesystem::rename(folder_ / "nas", folder_ / "away");
  EXPECT_THAT((*origin)->Pin(), Passes()) << "the share is not mounted";
  EXPECT_THAT(Attempt(**origin), Passes());
  ExpectNothing();
  where.set_source("other");
  EXPECT_THAT(OpenOrigin(where, *sources, options_, [] { return false; }), Passes());
}

TEST_F(FileCopyTest, CopiesAUrlWhoseAnswersAreCut) {
  int answers = 0;
  ScriptedServer server([&](const ScriptedRequest& request) {
    std::string answer = HttpFile(request, origin_.content, "ETag: \"v1\"");
    const bool pins = request.Header("Range").starts_with("bytes=0-");
    if (!pins && ++answers <= 2) answer.resize(answer.size() * 6 / 10);
    return answer;
  });
  const auto origin = MakeUrlOrigin(server.Url("/film.mp4"), {.allow_private = true}, [] { return false; });
  Begin(*origin);
  EXPECT_THAT(Attempt(*origin), IsOkAndHolds(size()));
  std::vector<std::string> ranges;
  for (const auto& request : server.requests()) ranges.push_back(request.Header("Range"));
  ASSERT_EQ(ranges.size(), 5u) << "a pin, three answers, and the last look";
  EXPECT_EQ(ranges[1], "");
  EXPECT_THAT(ranges[2], StartsWith("bytes=6"));
  EXPECT_THAT(ranges[3], StartsWith("bytes=8"));
  EXPECT_EQ(calls_["UploadPart"], 3);
  ExpectCopied();
}

}  // namespace
}  // namespace vora::transcode
