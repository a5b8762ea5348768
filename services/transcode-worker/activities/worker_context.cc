#include "services/transcode-worker/activities/worker_context.h"

#include <algorithm>

#include "libs/log/log.h"
#include "libs/sources/pinned_file.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/child/child_roles.h"
#include "services/transcode-worker/child/seccomp_filter.h"
#include "services/transcode-worker/metrics.h"

namespace vora::transcode {

WorkerContext::WorkerContext(storage::Stores stores, const sources::Sources& sources, obs::Metrics& metrics, WorkerOptions options)
    : stores_(stores),
      sources_(sources),
      metrics_(metrics),
      options_(std::move(options)),
      publisher_(stores.processed, options_.store_patience) {}

StatusOr<std::unique_ptr<SourceReader>> WorkerContext::OpenSource(const std::string& key, std::function<bool()> stopped) const {
  SourceReaderOptions options;
  options.patience = options_.store_patience;
  if (!sources::IsPinnedFile(key)) return SourceReader::Open(stores_.raw, key, std::move(stopped), options);
  VORA_ASSIGN_OR_RETURN(const sources::PinnedFile file, sources::ParsePinnedFile(key));
  const auto source = sources_.Find(file.source);
  // Another worker may know it.
  if (!source.ok()) return Unavailable("this worker does not know the source " + file.source + ": set its VORA_SOURCES as metadata's");
  options.etag = file.etag;
  return SourceReader::Open(*(*source)->store, file.key, std::move(stopped), options);
}

ChildSpec WorkerContext::NewChild(const std::string& role) const {
  ChildSpec spec;
  spec.program = options_.program;
  spec.role = role;
  spec.memory_bytes = options_.memory_limit;
  const ChildRole* known = FindChildRole(role);
  const bool long_work = known != nullptr && known->long_work;
  // The others look at a source only, so a quarter is plenty for them.
  spec.cpu_seconds = std::max<int64_t>(1, long_work ? options_.cpu_limit.count() : options_.cpu_limit.count() / 4);
  if (known != nullptr) spec.nice = known->nice;
  spec.needs_filter = options_.strict_sandbox;
  spec.source_limits = options_.source_limits.Text();
  return spec;
}

Status WorkerContext::Serve(ChildProcess& child, SourceReader& source, const Message& message) const {
  if (message.type != MessageType::kRead) return InvalidArgument("unexpected message from a child");
  // Everything in the request is the child's word; offsets and lengths are checked where it is unpacked.
  VORA_ASSIGN_OR_RETURN(const ReadRequest request, UnpackRead(message.payload));
  const StatusOr<std::string> bytes = source.Read(request.offset, request.length);
  if (!bytes.ok()) return Annotate(bytes.status(), "reading the source");
  return child.Send(MessageType::kData, *bytes);
}

void WorkerContext::CountChildFailure(const std::string& kind) const { kChildFailures.In(metrics_, {kind}).Increment(); }

workflow::v1::Failure WorkerContext::JudgeChild(const ChildExit& exit, const std::string& what) const {
  const bool forbidden = exit.exit_code == kForbiddenCallExit;
  CountChildFailure(forbidden ? "forbidden_call" : exit.signal != 0 ? "signal" : "failure");
  workflow::v1::Failure failure = FailureOf(exit, what);
  if (forbidden) log::Error("a child process tried a forbidden system call", {{"child", what}, {"call", ForbiddenCall(exit.stderr_tail)}});
  return failure;
}

}  // namespace vora::transcode
