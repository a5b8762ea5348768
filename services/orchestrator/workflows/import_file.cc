#include "services/orchestrator/workflows/import_file.h"

#include <algorithm>
#include <string>

#include "services/orchestrator/workflows/job.h"
#include "services/orchestrator/workflows/policies.h"

namespace vora::workflows {
namespace {

using namespace workflow;

// A file that is still being written is looked at so often, with growing pauses: for some hours.
constexpr int kMostLooks = 60;
// One that changes while it is copied is copied so often, with pauses that grow.
constexpr int kMostCopies = 5;
constexpr std::chrono::milliseconds kCopyPause{10'000};
constexpr std::chrono::milliseconds kLongestPause{300'000};
constexpr char kChanged[] = "import.changed";

// Also in a run that is cancelled.
Task<v1::Failure> AbandonCopy(WorkflowContext ctx, std::string key, std::string multipart_id) {
  v1::AbandonCopyInput input;
  input.set_key(key);
  input.set_multipart_id(multipart_id);
  auto outcome = co_await ctx.Detached().Activity("media.AbandonCopy", "abandon/" + multipart_id, std::move(input), ImportOptions());
  co_return outcome.failure;
}

// Gives the file once it has stayed as it is for as long as its source wants.
Task<Outcome<v1::PinnedFile>> PinSettled(WorkflowContext ctx, v1::Origin origin, int& look) {
  while (true) {
    v1::PinFileInput input;
    *input.mutable_origin() = origin;
    const std::string id = "pin/" + std::to_string(look);
    auto pinned = co_await ctx.Run<v1::PinnedFile>("media.PinSource", id, std::move(input), ImportOptions());
    ++look;
    if (!pinned.ok || pinned.value.settle_seconds() <= 0) co_return pinned;
    if (look >= kMostLooks) {
      pinned.ok = false;
      pinned.failure = FailureOf(kChanged, "The file does not stop changing; import it again once it stays as it is.");
      co_return pinned;
    }
    // A little longer than it needs, and longer each time: something is writing it.
    const auto rest = std::chrono::milliseconds(static_cast<int64_t>(pinned.value.settle_seconds() * 1000) + 100);
    (void)co_await ctx.Timer(std::min(rest * look, kLongestPause), "settle/" + std::to_string(look));
  }
}

Task<v1::Failure> CopyFile(WorkflowContext ctx, const v1::ProcessVideoInput& input, v1::PinnedFile file, int look, int64_t& bytes) {
  const std::string suffix = "/" + std::to_string(look);
  v1::BeginCopyInput begin;
  begin.set_key(input.import().copy_key());
  *begin.mutable_file() = file;
  auto begun = co_await ctx.Run<v1::BeginCopyResult>("media.BeginCopy", "copy/begin" + suffix, std::move(begin), ImportOptions());
  if (!begun.ok) co_return begun.failure;
  const std::string multipart_id = begun.value.multipart_id();
  v1::CopyFileInput copy;
  *copy.mutable_origin() = input.import().origin();
  *copy.mutable_file() = std::move(file);
  copy.set_key(input.import().copy_key());
  *copy.mutable_copy() = std::move(begun.value);
  copy.set_video_id(input.video_id());
  auto copied = co_await ctx.Run<v1::CopyFileResult>("media.CopySource", "copy" + suffix, std::move(copy), ImportOptions());
  bytes = copied.value.bytes();
  // At once: of a file that changed another copy is begun, with which the run may end well.
  if (!copied.ok) (void)co_await AbandonCopy(ctx, input.import().copy_key(), multipart_id);
  co_return copied.failure;
}

}  // namespace

Task<v1::Failure> ImportFile(WorkflowContext ctx, v1::ProcessVideoInput& input) {
  v1::RecordImportInput record;
  record.set_video_id(input.video_id());
  int copies = 0;
  for (int look = 0;;) {
    auto pinned = co_await PinSettled(ctx, input.import().origin(), look);
    if (!pinned.ok) co_return pinned.failure;
    record.set_etag(pinned.value.etag());
    int64_t bytes = pinned.value.size();
    if (input.import().copy() || pinned.value.source_key().empty()) {
      auto copy = CopyFile(ctx, input, pinned.value, look, bytes);
      const v1::Failure failure = co_await copy;
      if (failure.code() == kChanged && ++copies < kMostCopies) {
        (void)co_await ctx.Timer(kCopyPause * copies, "changed/" + std::to_string(copies));
        continue;
      }
      if (!failure.code().empty()) co_return failure;
      input.set_source_key(input.import().copy_key());
    } else {
      input.set_source_key(pinned.value.source_key());
    }
    record.set_bytes(bytes);
    break;
  }
  record.set_source_key(input.source_key());
  auto recorded = co_await ctx.Activity("metadata.RecordImport", "import/recorded", std::move(record), MetadataOptions());
  co_return recorded.failure;
}

}  // namespace vora::workflows
