#include "services/transcode-worker/activities/publisher.h"

#include "services/transcode-worker/activities/source_reader.h"

namespace vora::transcode {

StatusOr<int64_t> Publisher::PutOnce(const std::string& key, std::string_view bytes, const std::string& content_type,
                                     const std::function<bool()>& stopped) const {
  storage::PutOptions options;
  options.content_type = content_type;
  options.if_absent = true;
  const Status status = WaitOutFaults(patience_, stopped, [&] { return store_.Put(key, bytes, options).status(); });
  if (status.ok()) return static_cast<int64_t>(bytes.size());
  if (status.code() != StatusCode::kAlreadyExists) return status;
  // Somebody was faster, an earlier attempt or a zombie: segments are the same whoever encodes them, so it counts as done. Its size is
  // asked for, since the playlist must name what is there.
  return SizeOf(key, stopped);
}

Status Publisher::PutSame(const std::string& key, std::string_view bytes, const std::string& content_type,
                          const std::function<bool()>& stopped) const {
  VORA_RETURN_IF_ERROR(PutOnce(key, bytes, content_type, stopped).status());
  // Read back even when it was written just now: PutOnce does not tell the two apart, and an init segment is small.
  VORA_ASSIGN_OR_RETURN(const std::string stored, Get(key, stopped));
  return stored == bytes ? Status()
                         : FailedPrecondition(key + " was written by another version of the encoder; retry the video as a whole");
}

Status Publisher::Replace(const std::string& key, std::string_view bytes, const std::string& content_type,
                          const std::function<bool()>& stopped) const {
  storage::PutOptions options;
  options.content_type = content_type;
  // Asked right before the write: nothing else keeps a worker whose lease was lost from putting an older text over a newer one.
  if (stopped && stopped()) return Aborted("stopped before " + key + " was replaced");
  return WaitOutFaults(patience_, stopped, [&] { return store_.Put(key, bytes, options).status(); });
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
