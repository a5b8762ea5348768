#include "services/transcode-worker/worker_context.h"

#include "libs/log/log.h"

namespace vora::transcode {

WorkerContext::WorkerContext(storage::ObjectStore& store, obs::Metrics& metrics, WorkerOptions options)
    : store_(store), metrics_(metrics), options_(std::move(options)), publisher_(store, options_.store_patience) {}

StatusOr<std::unique_ptr<SourceReader>> WorkerContext::OpenSource(const std::string& key, std::function<bool()> stopped) const {
  SourceReaderOptions options;
  options.patience = options_.store_patience;
  return SourceReader::Open(store_, key, std::move(stopped), options);
}

ChildSpec WorkerContext::NewChild(const std::string& role) const {
  ChildSpec spec;
  spec.program = options_.program;
  spec.role = role;
  spec.memory_bytes = options_.memory_limit;
  return spec;
}

Status WorkerContext::Serve(ChildProcess& child, SourceReader& source, const Message& message) const {
  if (message.type == MessageType::kNotice) {
    if (!noticed_.exchange(true)) log::Warn("sandbox is weaker than it should be", {{"missing", message.payload.substr(0, 500)}});
    return {};
  }
  if (message.type != MessageType::kRead) return InvalidArgument("unexpected message from a child");
  VORA_ASSIGN_OR_RETURN(const ReadRequest request, UnpackRead(message.payload));
  const StatusOr<std::string> bytes = source.Read(request.offset, request.length);
  if (!bytes.ok()) return Annotate(bytes.status(), "reading the source");
  return child.Send(MessageType::kData, *bytes);
}

void WorkerContext::CountChildFailure(const std::string& kind) const {
  metrics_.AddCounter("vora_transcode_child_failures_total", "Child processes that ended without a result", {{"kind", kind}}).Increment();
}

}  // namespace vora::transcode
