#include "services/orchestrator/workflows/import_file.h"

#include <deque>

#include "libs/testing/status_matchers.h"
#include "services/orchestrator/workflows/process_video_fixture_test.h"

namespace vora::workflows {
namespace {

constexpr char kCopyKey[] = "raw/u1/original";
constexpr char kLiesAt[] = "source://nas/films/a.mkv?etag=e1&size=1000";

v1::ProcessVideoInput ImportInput(bool copy) {
  v1::ProcessVideoInput input = Input3();
  input.clear_source_key();
  input.mutable_import()->mutable_origin()->set_source("nas");
  input.mutable_import()->mutable_origin()->set_key("films/a.mkv");
  input.mutable_import()->set_copy(copy);
  input.mutable_import()->set_copy_key(kCopyKey);
  return input;
}

v1::PinnedFile PinnedAs(const std::string& etag, double settle_seconds = 0) {
  v1::PinnedFile file;
  file.set_etag(etag);
  file.set_size(1000);
  file.set_ranges(true);
  file.set_source_key(kLiesAt);
  file.set_settle_seconds(settle_seconds);
  return file;
}

// A World in which files are brought in as the test says.
struct ImportWorld : World {
  std::deque<v1::PinnedFile> pins;              // given in order, the last one again and again
  std::map<std::string, int> changed;           // how often a copy of this etag meets another version
  std::map<std::string, std::string> failures;  // of activities, by id: the code
  std::vector<v1::CopyFileInput> copies;
  std::vector<v1::BeginCopyInput> begun;
  std::vector<v1::AbandonCopyInput> abandoned;
  std::vector<v1::RecordImportInput> imports;
  std::vector<std::string> planned_from;
  std::set<std::string> queues;  // of what brings in

  ActivityResult operator()(const SimulatedRun::Activity& activity) {
    if (const auto failure = failures.find(activity.id); failure != failures.end()) return Failed(failure->second, "as the test wants");
    const bool brings_in = activity.type == "media.PinSource" || activity.type.ends_with("Copy") || activity.type == "media.CopySource";
    if (brings_in) queues.insert(activity.options.queue());
    if (activity.type == "media.PinSource") {
      EXPECT_EQ(Parse<v1::PinFileInput>(activity.input).origin().key(), "films/a.mkv");
      const v1::PinnedFile file = pins.front();
      if (pins.size() > 1) pins.pop_front();
      return Success(file);
    }
    if (activity.type == "media.BeginCopy") {
      begun.push_back(Parse<v1::BeginCopyInput>(activity.input));
      v1::BeginCopyResult result;
      result.set_multipart_id("m" + std::to_string(begun.size()));
      result.set_part_bytes(16 << 20);
      return Success(result);
    }
    if (activity.type == "media.CopySource") {
      copies.push_back(Parse<v1::CopyFileInput>(activity.input));
      if (changed[copies.back().file().etag()]-- > 0) return Failed("import.changed", "another one by now");
      v1::CopyFileResult result;
      result.set_bytes(1000);
      return Success(result);
    }
    if (activity.type == "media.AbandonCopy") {
      abandoned.push_back(Parse<v1::AbandonCopyInput>(activity.input));
      return Success(v1::AbandonCopyResult());
    }
    if (activity.type == "metadata.RecordImport") imports.push_back(Parse<v1::RecordImportInput>(activity.input));
    if (activity.type == "media.Plan") planned_from.push_back(Parse<v1::PlanInput>(activity.input).source_key());
    return World::operator()(activity);
  }
};

ImportWorld WorldWith(const v1::PinnedFile& file) {
  ImportWorld world;
  world.pins = {file};
  return world;
}

// The first activities of the run, as many as `ids`.
std::vector<std::string> FirstOf(const SimulatedRun& run, size_t count) {
  return {run.scheduled().begin(), run.scheduled().begin() + static_cast<int64_t>(std::min(count, run.scheduled().size()))};
}

int64_t TimerMs(const SimulatedRun& run, const std::string& id) {
  for (const Event& event : run.history()) {
    if (event.type == v1::EVENT_TYPE_TIMER_STARTED && event.attributes.value("timer_id", "") == id) {
      return event.attributes.value("after_ms", int64_t{-1});
    }
  }
  return -1;
}

void ExpectReplays(const SimulatedRun& run) {
  EXPECT_THAT(CheckReplay(run.registry(), run.info(), run.history()), IsOk());
  const std::set<std::string> unique(run.scheduled().begin(), run.scheduled().end());
  EXPECT_EQ(unique.size(), run.scheduled().size()) << "activity ids are unique";
}

TEST(ImportFileTest, ACopyIsMadeFirstAndEncodedFrom) {
  ImportWorld world = WorldWith(PinnedAs("e1"));
  SimulatedRun run = Start(ImportInput(true));
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_THAT(FirstOf(run, 5), ElementsAre("pin/0", "copy/begin/1", "copy/1", "import/recorded", "probe"));
  EXPECT_THAT(world.queues, ElementsAre("import"));
  ASSERT_EQ(world.copies.size(), 1u);
  EXPECT_EQ(world.begun[0].key(), kCopyKey);
  EXPECT_EQ(world.begun[0].file().etag(), "e1");
  EXPECT_EQ(world.copies[0].key(), kCopyKey);
  EXPECT_EQ(world.copies[0].file().etag(), "e1");
  EXPECT_EQ(world.copies[0].file().size(), 1000);
  EXPECT_EQ(world.copies[0].origin().source(), "nas");
  EXPECT_EQ(world.copies[0].copy().multipart_id(), "m1");
  EXPECT_EQ(world.copies[0].copy().part_bytes(), 16 << 20);
  EXPECT_EQ(world.copies[0].video_id(), "v1");
  ASSERT_EQ(world.imports.size(), 1u);
  EXPECT_EQ(world.imports[0].video_id(), "v1");
  EXPECT_EQ(world.imports[0].source_key(), kCopyKey);
  EXPECT_EQ(world.imports[0].bytes(), 1000);
  EXPECT_EQ(world.imports[0].etag(), "e1");
  EXPECT_THAT(world.planned_from, ElementsAre(kCopyKey));
  EXPECT_THAT(world.abandoned, IsEmpty());
  EXPECT_EQ(world.videos.back().state(), "READY");
  ExpectReplays(run);
}

TEST(ImportFileTest, EverythingReadsWhatWasBroughtIn) {
  for (const bool copy : {true, false}) {
    ImportWorld world = WorldWith(PinnedAs("e1"));
    SimulatedRun run = Start(ImportInput(copy));
    std::set<std::string> read;
    run.Work([&](const SimulatedRun::Activity& activity) {
      const auto input = nlohmann::json::parse(activity.input);
      if (input.contains("sourceKey") && activity.type.starts_with("media.")) read.insert(input["sourceKey"]);
      return world(activity);
    });
    EXPECT_THAT(read, ElementsAre(copy ? kCopyKey : kLiesAt));
  }
}

TEST(ImportFileTest, WhatStaysWhereItLiesIsNotCopied) {
  ImportWorld world = WorldWith(PinnedAs("e1"));
  SimulatedRun run = Start(ImportInput(false));
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_THAT(FirstOf(run, 3), ElementsAre("pin/0", "import/recorded", "probe"));
  EXPECT_THAT(world.begun, IsEmpty());
  EXPECT_THAT(world.copies, IsEmpty());
  EXPECT_THAT(world.planned_from, ElementsAre(kLiesAt));
  ASSERT_EQ(world.imports.size(), 1u);
  EXPECT_EQ(world.imports[0].source_key(), kLiesAt);
  EXPECT_EQ(world.imports[0].bytes(), 1000);
  ExpectReplays(run);
}

TEST(ImportFileTest, WhatCannotBeReadWhereItLiesIsCopied) {
  v1::PinnedFile file = PinnedAs("e1");
  file.clear_source_key();
  file.set_size(-1);
  ImportWorld world = WorldWith(file);
  SimulatedRun run = Start(ImportInput(false));
  run.Work(std::ref(world));
  EXPECT_THAT(world.planned_from, ElementsAre(kCopyKey));
  EXPECT_EQ(world.begun[0].file().size(), -1);
  EXPECT_EQ(world.imports[0].bytes(), 1000) << "the copy's, as nobody knew before";
}

TEST(ImportFileTest, AFileThatIsStillWrittenIsWaitedFor) {
  ImportWorld world;
  world.pins = {PinnedAs("e1", 2.5), PinnedAs("e2", 5), PinnedAs("e3", 3000), PinnedAs("e3")};
  SimulatedRun run = Start(ImportInput(true));
  run.Work(std::ref(world));
  EXPECT_FALSE(run.closed());
  EXPECT_THAT(run.scheduled(), ElementsAre("pin/0"));
  EXPECT_EQ(TimerMs(run, "settle/1"), 2600);
  run.FireTimers();
  run.Work(std::ref(world));
  EXPECT_EQ(TimerMs(run, "settle/2"), 10'200) << "twice as long as it needs";
  run.FireTimers();
  run.Work(std::ref(world));
  EXPECT_EQ(TimerMs(run, "settle/3"), 300'000) << "looked at now and then, however long it has to stay";
  EXPECT_THAT(run.scheduled(), ElementsAre("pin/0", "pin/1", "pin/2"));
  run.FireTimers();
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_EQ(world.copies.at(0).file().etag(), "e3");
  EXPECT_EQ(world.imports.at(0).etag(), "e3");
  ExpectReplays(run);
}

TEST(ImportFileTest, AFileThatNeverStaysAsItIsIsGivenUp) {
  ImportWorld world = WorldWith(PinnedAs("e1", 5));
  SimulatedRun run = Start(ImportInput(false));
  run.Work(std::ref(world));
  int looks = 1;
  for (; !run.closed() && looks < 200; ++looks) {
    run.FireTimers();
    run.Work(std::ref(world));
  }
  EXPECT_EQ(looks, 60);
  EXPECT_EQ(run.failure().code(), "import.changed");
  EXPECT_EQ(world.videos.back().state(), "FAILED");
  EXPECT_EQ(TimerMs(run, "settle/59"), 300'000) << "not longer and longer";
  ExpectReplays(run);
}

TEST(ImportFileTest, AFileThatChangesIsPinnedAndCopiedAnew) {
  ImportWorld world;
  world.pins = {PinnedAs("e1"), PinnedAs("e2", 1), PinnedAs("e2")};
  world.changed = {{"e1", 1}};
  SimulatedRun run = Start(ImportInput(true));
  // After the pause before another copy, and the wait until the file has settled.
  for (int i = 0; i < 3; ++i) {
    run.Work(std::ref(world));
    run.FireTimers();
  }
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_THAT(FirstOf(run, 9),
              ElementsAre("pin/0", "copy/begin/1", "copy/1", "abandon/m1", "pin/1", "pin/2", "copy/begin/3", "copy/3", "import/recorded"));
  ASSERT_EQ(world.copies.size(), 2u);
  EXPECT_EQ(world.copies[1].file().etag(), "e2");
  EXPECT_EQ(world.copies[1].copy().multipart_id(), "m2");
  ASSERT_EQ(world.abandoned.size(), 1u) << "what was begun of it would lie there for good";
  EXPECT_EQ(world.abandoned[0].key(), kCopyKey);
  EXPECT_EQ(world.abandoned[0].multipart_id(), "m1");
  EXPECT_EQ(world.imports.at(0).etag(), "e2");
  EXPECT_THAT(world.planned_from, ElementsAre(kCopyKey));
  ExpectReplays(run);
}

TEST(ImportFileTest, AFileThatChangesDuringEachCopyIsGivenUp) {
  ImportWorld world = WorldWith(PinnedAs("e1"));
  world.changed = {{"e1", 1000}};
  SimulatedRun run = Start(ImportInput(true));
  run.Work(std::ref(world));
  for (int i = 0; i < 100 && !run.closed(); ++i) {
    run.FireTimers();
    run.Work(std::ref(world));
  }
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
  EXPECT_EQ(run.failure().code(), "import.changed");
  EXPECT_EQ(world.copies.size(), 5u);
  EXPECT_EQ(TimerMs(run, "changed/4"), 40'000);
  std::set<std::string> abandoned;
  for (const auto& input : world.abandoned) abandoned.insert(input.multipart_id());
  EXPECT_EQ(abandoned.size(), 5u);
  EXPECT_EQ(world.videos.back().failure_code(), "import.changed");
  ExpectReplays(run);
}

TEST(ImportFileTest, WhatCannotBePinnedEndsTheVideo) {
  for (const char* code : {"import.not_found", "import.refused", "import.not_a_file", "import.unavailable"}) {
    ImportWorld world = WorldWith(PinnedAs("e1"));
    world.failures = {{"pin/0", code}};
    SimulatedRun run = Start(ImportInput(true));
    run.Work(std::ref(world));
    EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
    EXPECT_EQ(run.failure().code(), code);
    EXPECT_THAT(run.scheduled(), ElementsAre("pin/0", "video/FAILED"));
    ASSERT_EQ(world.videos.size(), 1u);
    EXPECT_EQ(world.videos[0].failure_code(), code);
    EXPECT_EQ(world.videos[0].failure(), "as the test wants");
    ExpectReplays(run);
  }
}

TEST(ImportFileTest, ACopyThatFailsIsTakenBack) {
  ImportWorld world = WorldWith(PinnedAs("e1"));
  world.failures = {{"copy/1", "import.refused"}};
  SimulatedRun run = Start(ImportInput(true));
  run.Work(std::ref(world));
  EXPECT_EQ(run.failure().code(), "import.refused");
  EXPECT_THAT(run.scheduled(), ElementsAre("pin/0", "copy/begin/1", "copy/1", "abandon/m1", "video/FAILED"));
  EXPECT_EQ(world.abandoned.at(0).multipart_id(), "m1");
  EXPECT_EQ(world.videos.back().failure_code(), "import.refused");
  ExpectReplays(run);
  // That this fails too changes nothing of what is told.
  ImportWorld broken = WorldWith(PinnedAs("e1"));
  broken.failures = {{"copy/1", "import.refused"}, {"abandon/m1", "import.internal"}};
  SimulatedRun second = Start(ImportInput(true));
  second.Work(std::ref(broken));
  EXPECT_EQ(second.failure().code(), "import.refused");
  EXPECT_EQ(broken.videos.back().failure_code(), "import.refused");
  // Nothing was begun.
  ImportWorld none = WorldWith(PinnedAs("e1"));
  none.failures = {{"copy/begin/1", "import.internal"}};
  SimulatedRun third = Start(ImportInput(true));
  third.Work(std::ref(none));
  EXPECT_THAT(third.scheduled(), ElementsAre("pin/0", "copy/begin/1", "video/FAILED"));
}

TEST(ImportFileTest, WhatMetadataCannotBeToldIsNotEncoded) {
  ImportWorld world = WorldWith(PinnedAs("e1"));
  world.failures = {{"import/recorded", "metadata.not_found"}};
  SimulatedRun run = Start(ImportInput(true));
  run.Work(std::ref(world));
  EXPECT_EQ(run.failure().code(), "metadata.not_found");
  EXPECT_THAT(world.planned_from, IsEmpty());
  EXPECT_EQ(world.videos.back().state(), "FAILED");
}

TEST(ImportFileTest, ACopyThatIsWholeIsKeptWhateverFollows) {
  ImportWorld world = WorldWith(PinnedAs("e1"));
  world.failures = {{"probe", "media.unreadable"}};
  SimulatedRun run = Start(ImportInput(true));
  run.Work(std::ref(world));
  EXPECT_EQ(run.failure().code(), "media.unreadable");
  EXPECT_EQ(world.videos.back().failure_code(), "media.unreadable");
  EXPECT_THAT(world.abandoned, IsEmpty()) << "there is nothing to take back";
}

TEST(ImportFileTest, ACancelTellsMetadataAtOnce) {
  for (const char* at : {"pin/0", "copy/begin/1", "import/recorded", "probe"}) {
    ImportWorld world = WorldWith(PinnedAs("e1"));
    SimulatedRun run = Start(ImportInput(true));
    run.Work(std::ref(world), [&] { return run.Find(at) != nullptr; });
    run.Cancel();
    ASSERT_EQ(run.open().size(), 1u) << at;
    EXPECT_EQ(run.open()[0].id, "video/CANCELLED") << at;
    run.Work(std::ref(world));
    EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED) << at;
    EXPECT_EQ(world.videos.back().state(), "CANCELLED");
    ExpectReplays(run);
  }
  ImportWorld waiting = WorldWith(PinnedAs("e1", 100));
  SimulatedRun run = Start(ImportInput(true));
  run.Work(std::ref(waiting));
  run.Cancel();
  run.Work(std::ref(waiting));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED) << "while it waits";
  EXPECT_THAT(run.scheduled(), ElementsAre("pin/0", "video/CANCELLED"));
  ExpectReplays(run);
}

TEST(ImportFileTest, ACancelWhileItCopiesTakesTheCopyBack) {
  ImportWorld world = WorldWith(PinnedAs("e1"));
  SimulatedRun run = Start(ImportInput(true));
  run.Work(std::ref(world), [&] { return run.Find("copy/1") != nullptr; });
  run.Cancel();
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED);
  EXPECT_THAT(run.scheduled(), ElementsAre("pin/0", "copy/begin/1", "copy/1", "abandon/m1", "video/CANCELLED"));
  EXPECT_EQ(world.abandoned.at(0).key(), kCopyKey);
  EXPECT_EQ(world.abandoned.at(0).multipart_id(), "m1");
  ASSERT_EQ(world.videos.size(), 1u);
  EXPECT_EQ(world.videos[0].state(), "CANCELLED");
  ExpectReplays(run);
}

TEST(ImportFileTest, ImportVideoDoesTheSame) {
  ImportWorld world = WorldWith(PinnedAs("e1")), again = WorldWith(PinnedAs("e1"));
  SimulatedRun run(AllWorkflows(), "ImportVideo", ToPayload(ImportInput(true)));
  run.Work(std::ref(world));
  SimulatedRun other = Start(ImportInput(true));
  other.Work(std::ref(again));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_EQ(Parse<v1::ProcessVideoResult>(run.result()).state(), "READY");
  EXPECT_EQ(run.scheduled(), other.scheduled());
  EXPECT_EQ(world.videos.back().state(), "READY");
  ExpectReplays(run);
}

}  // namespace
}  // namespace vora::workflows
