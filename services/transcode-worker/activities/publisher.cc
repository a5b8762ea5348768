#include "services/transcode-worker/activities/publisher.h"

#include "services/transcode-worker/activities/source_reader.h"

namespace vora::transcode {

Writer WriterOf(const workflow::ActivityExecution& execution) {
  return {.stopping = [&execution] { return execution.stopping(); },
          .disowned = [&execution] { return execution.stop_cause() == workflow::StopCause::kLeaseLost; }};
}

Status Publisher::Put(const std::string& key, std::string_view bytes, const storage::PutOptions& options, const Writer& writer) const {
  return WaitOutFaults(patience_, writer.stopping, [&]() -> Status {
    if (writer.disowned && writer.disowned()) return Aborted("the task may be another worker's by now; " + key + " is not written");
    return store_.Put(key, bytes, options).status();
  });
}

StatusOr<int64_t> Publisher::PutOnce(const std::string& key, std::string_view bytes, const std::string& content_type,
                                     const Writer& writer) const {
  storage::PutOptions options;
  options.content_type = content_type;
  options.if_absent = true;
  const Status status = Put(key, bytes, options, writer);
  if (status.ok()) return static_cast<int64_t>(bytes.size());
  if (status.code() != StatusCode::kAlreadyExists) return status;
  // Somebody was faster, an earlier attempt or a zombie: segments are the same whoever encodes them, so it counts as done. Its size is
  // asked for, since the playlist must name what is there.
  return SizeOf(key, writer.stopping);
}

Status Publisher::PutSame(const std::string& key, std::string_view bytes, const std::string& content_type, const Writer& writer) const {
  VORA_RETURN_IF_ERROR(PutOnce(key, bytes, content_type, writer).status());
  // Read back even when it was written just now: PutOnce does not tell the two apart, and an init segment is small.
  VORA_ASSIGN_OR_RETURN(const std::string stored, Get(key, writer.stopping));
  return stored == bytes
             ? Status()
             : FailedPrecondition(key +
                                  " was written by another version of the encoder, and the two do not go together; encode the video anew");
}

Status Publisher::Replace(const std::string& key, std::string_view bytes, const std::string& content_type, const Writer& writer) const {
  storage::PutOptions options;
  options.content_type = content_type;
  return Put(key, bytes, options, writer);
}

StatusOr<int64_t> Publisher::SizeOf(const std::string& key, const std::function<bool()>& stopped) const {
  int64_t size = 0;
  VORA_RETURN_IF_ERROR(WaitOutFaults(patience_, stopped, [&]() -> Status {
    VORA_ASSIGN_OR_RETURN(const storage::ObjectInfo info, store_.Head(key));
    size = info.size;
    return {};
  }));
  return size;
}

StatusOr<std::string> Publisher::Get(const std::string& key, const std::function<bool()>& stopped) const {
  std::string bytes;
  VORA_RETURN_IF_ERROR(WaitOutFaults(patience_, stopped, [&]() -> Status {
    VORA_ASSIGN_OR_RETURN(bytes, store_.Get(key));
    return {};
  }));
  return bytes;
}

}  // namespace vora::transcode
