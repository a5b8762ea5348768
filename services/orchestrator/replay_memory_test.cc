// What the replay cache thinks that a video's workflow takes up, beside what the allocator says.

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "libs/testing/status_matchers.h"
#include "libs/workflow/definition/replayer.h"
#include "services/orchestrator/workflows/workflows.h"

namespace vora::orchestrator {
namespace {

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(ReplayMemoryTest, OfRecordedVideosIsEstimatedHonestly) {
  const workflow::Registry registry = workflows::AllWorkflows();
  const std::filesystem::path source = std::getenv("VORA_SOURCE_DIR") ? std::getenv("VORA_SOURCE_DIR") : ".";
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source / "services/orchestrator/testdata")) {
    std::ifstream in(entry.path());
    std::ostringstream text;
    text << in.rdbuf();
    auto history = workflow::HistoryFromJson(text.str());
    // In the middle, where it waits.
    history.resize(history.size() / 2);
    constexpr size_t kRuns = 100;
    std::vector<std::unique_ptr<workflow::Replayer>> runs;
    runs.reserve(kRuns);
    size_t estimated = 0;
    const size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < kRuns; ++i) {
      runs.push_back(workflow::Replayer::Create(registry, {"video/1", "r", "default", "ProcessVideo"}).value());
      for (const auto& event : history) ASSERT_THAT(runs.back()->Apply(event), IsOk()) << entry.path();
      estimated += runs.back()->Bytes();
    }
    const size_t used = mallinfo2().uordblks - before;
    ++seen;
    EXPECT_GT(estimated, used / 2) << entry.path() << ": " << used / kRuns << " each, estimated " << estimated / kRuns;
    EXPECT_LT(estimated, used * 3) << entry.path() << ": " << used / kRuns << " each, estimated " << estimated / kRuns;
  }
  EXPECT_GT(seen, 5);
}
#endif

}  // namespace
}  // namespace vora::orchestrator
