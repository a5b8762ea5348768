#include "services/transcode-worker/imports/import_activities.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/storage/local/local_store.h"
#include "libs/storage/testing/faulty_store.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"
#include "services/transcode-worker/activities/test_worker.h"
#include "services/transcode-worker/imports/copy_file.h"
#include "services/transcode-worker/imports/scripted_server_test.h"

namespace vora::transcode {
namespace {

using workflow::ActivityOutcome;

class ImportActivitiesTest : public ::testing::Test {
 protected:
  ImportActivitiesTest()
      : store_(*storage::LocalObjectStore::Create(folder_ / "store")),
        sources_(*sources::Sources::Open(
            "nas=file://" + folder_ / "nas", [](const std::string&) { return std::optional<std::string>(); }, metrics_)) {
    std::filesystem::create_directories(folder_ / "nas");
    Write(film_);
    origin_.set_source("nas");
    origin_.set_key("film.mkv");
  }
  void Write(const std::string& text) { std::ofstream(folder_ / "nas/film.mkv", std::ios::binary) << text; }

  using Activity = ActivityOutcome (*)(const ImportContext&, workflow::ActivityExecution&);
  ActivityOutcome Run(Activity activity, const google::protobuf::Message& input) {
    RecordedExecution execution("media.Import", "one", input);
    return activity(context_, execution);
  }
  template <class T>
  static T Result(const ActivityOutcome& outcome) {
    T result;
    EXPECT_TRUE(outcome.ok) << outcome.failure.ShortDebugString();
    EXPECT_THAT(workflow::FromPayload(outcome.result, result), IsOk());
    return result;
  }
  workflow::v1::CopyFileInput Begun() {
    workflow::v1::PinFileInput pin;
    *pin.mutable_origin() = origin_;
    workflow::v1::BeginCopyInput begin;
    begin.set_key("raw/u/original");
    *begin.mutable_file() = Result<workflow::v1::PinnedFile>(Run(&PinSource, pin));
    workflow::v1::CopyFileInput copy;
    *copy.mutable_origin() = origin_;
    *copy.mutable_file() = begin.file();
    copy.set_key(begin.key());
    *copy.mutable_copy() = Result<workflow::v1::BeginCopyResult>(Run(&BeginCopy, begin));
    return copy;
  }
  ActivityOutcome Abandon(const workflow::v1::CopyFileInput& copy) {
    workflow::v1::AbandonCopyInput input;
    input.set_key(copy.key());
    input.set_multipart_id(copy.copy().multipart_id());
    return Run(&AbandonCopy, input);
  }
  void ExpectFailed(const ActivityOutcome& outcome, const std::string& code, bool for_good) {
    EXPECT_FALSE(outcome.ok);
    EXPECT_EQ(outcome.failure.code(), code) << outcome.failure.message();
    EXPECT_EQ(outcome.failure.non_retryable(), for_good) << code;
  }

  TempFolder folder_;
  obs::Metrics metrics_;
  const std::string film_ = FilmOf((17 << 20) + 5);
  storage::FaultyStore store_;
  sources::Sources sources_;
  const ImportContext context_{store_, sources_, {.allow_private = true}};
  workflow::v1::Origin origin_;
};

TEST_F(ImportActivitiesTest, PinBeginAndCopy) {
  const auto input = Begun();
  EXPECT_EQ(input.copy().part_bytes(), CopyPartBytes(input.file().size()));
  RecordedExecution execution("media.CopySource", "copy/1", input);
  double progress = 0;
  EXPECT_EQ(Result<workflow::v1::CopyFileResult>(CopySource(context_, execution)).bytes(), (17 << 20) + 5);
  EXPECT_TRUE(execution.WaitFor([&](double reached, const std::string&) { return progress = reached, true; }));
  EXPECT_EQ(progress, 1);
  EXPECT_TRUE(*store_.Get("raw/u/original", 64 << 20) == film_);
  // Again, as after an answer that was lost.
  EXPECT_EQ(Result<workflow::v1::CopyFileResult>(Run(&CopySource, input)).bytes(), (17 << 20) + 5);
  EXPECT_TRUE(Abandon(input).ok);
  EXPECT_TRUE(*store_.Get("raw/u/original", 64 << 20) == film_) << "what is whole stays";
}

TEST_F(ImportActivitiesTest, GoesOnFromItsCheckpoint) {
  const auto input = Begun();
  int parts = 0;
  bool full = true;
  store_.Rule([&](std::string_view call, const std::string&) {
    if (call != "UploadPart") return storage::FaultyStore::Verdict::kPass;
    return ++parts > 1 && full ? storage::FaultyStore::Verdict::kRefuse : storage::FaultyStore::Verdict::kPass;
  });
  RecordedExecution first("media.CopySource", "copy/1", input);
  ExpectFailed(CopySource(context_, first), "import.unavailable", false);
  workflow::v1::CopyFileCheckpoint checkpoint;
  ASSERT_THAT(workflow::FromPayload(first.checkpoint(), checkpoint), IsOk());
  EXPECT_EQ(checkpoint.bytes(), 16 << 20);
  EXPECT_EQ(checkpoint.part_etags_size(), 1);
  full = false;
  parts = 0;
  RecordedExecution second("media.CopySource", "copy/1", input, first.checkpoint());
  EXPECT_TRUE(CopySource(context_, second).ok);
  EXPECT_EQ(parts, 1) << "only what was missing";
  EXPECT_TRUE(*store_.Get("raw/u/original", 64 << 20) == film_);
}

TEST_F(ImportActivitiesTest, ACheckpointThatCannotBeReadMeansToBeginAnew) {
  const auto input = Begun();
  RecordedExecution execution("media.CopySource", "copy/1", input, "{\"bytes\": \"many\"}");
  EXPECT_TRUE(CopySource(context_, execution).ok);
  EXPECT_TRUE(*store_.Get("raw/u/original", 64 << 20) == film_);
}

TEST_F(ImportActivitiesTest, StopsWhenItIsAskedTo) {
  const auto input = Begun();
  RecordedExecution execution("media.CopySource", "copy/1", input);
  execution.AskToStop(workflow::StopCause::kDraining);
  EXPECT_FALSE(CopySource(context_, execution).ok);
  EXPECT_THAT(store_.Head("raw/u/original"), StatusIs(StatusCode::kNotFound));
  EXPECT_TRUE(Abandon(input).ok);
  EXPECT_TRUE(Abandon(input).ok) << "it is gone already";
}

TEST_F(ImportActivitiesTest, WhichFailuresAreForGood) {
  auto input = Begun();
  Write("another film");
  ExpectFailed(Run(&CopySource, input), "import.changed", true);
  origin_.set_key("none.mkv");
  workflow::v1::PinFileInput pin;
  *pin.mutable_origin() = origin_;
  ExpectFailed(Run(&PinSource, pin), "import.not_found", true);
  pin.mutable_origin()->set_source("other");
  ExpectFailed(Run(&PinSource, pin), "import.unavailable", false);
  pin.mutable_origin()->set_url("http://user@host/");
  ExpectFailed(Run(&PinSource, pin), "import.bad_url", true);
  std::atomic<int> status = 404;
  ScriptedServer server([&](const ScriptedRequest&) { return HttpAnswer(status, "", ""); });
  pin.mutable_origin()->set_url(server.Url("/film.mp4"));
  ExpectFailed(Run(&PinSource, pin), "import.not_found", true);
  status = 503;
  ExpectFailed(Run(&PinSource, pin), "import.unavailable", false);
  store_.SetAway(true);
  workflow::v1::BeginCopyInput begin;
  begin.set_key("raw/u/original");
  ExpectFailed(Run(&BeginCopy, begin), "import.unavailable", false);
  ExpectFailed(Abandon(input), "import.unavailable", false);
}

TEST_F(ImportActivitiesTest, InputThatNobodyUnderstandsIsForGood) {
  class Odd : public RecordedExecution {
   public:
    Odd() : RecordedExecution("media.Import", "one", workflow::v1::PinFileInput()) { task_.set_input("{\"origin\": 7"); }
    const workflow::v1::ActivityTask& task() const override { return task_; }

   private:
    workflow::v1::ActivityTask task_;
  };
  Odd execution;
  for (const Activity activity : {&PinSource, &BeginCopy, &CopySource, &AbandonCopy}) {
    ExpectFailed(activity(context_, execution), "import.invalid_argument", true);
  }
}

}  // namespace
}  // namespace vora::transcode
