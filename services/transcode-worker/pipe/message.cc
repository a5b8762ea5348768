#include "services/transcode-worker/pipe/message.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "libs/core/error.h"

namespace vora::transcode {
namespace {

struct Header {
  uint32_t type;
  uint32_t reserved;
  uint64_t length;
};

Status ReadExactly(int fd, char* out, size_t size) {
  while (size > 0) {
    const ssize_t got = recv(fd, out, size, 0);
    if (got < 0 && errno == EINTR) continue;
    // Also when the socket's time limit ran out: whoever says nothing for so long is as good as gone.
    if (got <= 0) return Unavailable("the other side of the socket is gone");
    out += got;
    size -= static_cast<size_t>(got);
  }
  return {};
}

template <typename T>
void Put(std::string* out, T value) {
  // Both sides are the same program on the same machine, so the order of bytes is the machine's.
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
bool Take(std::string_view* in, T* value) {
  if (in->size() < sizeof *value) return false;
  std::memcpy(value, in->data(), sizeof *value);
  in->remove_prefix(sizeof *value);
  return true;
}

bool TakeText(std::string_view* in, std::string* value) {
  uint64_t size = 0;
  if (!Take(in, &size) || size > in->size()) return false;
  value->assign(in->substr(0, size));
  in->remove_prefix(size);
  return true;
}

void PutText(std::string* out, std::string_view text) {
  Put<uint64_t>(out, text.size());
  out->append(text);
}

}  // namespace

Status SendMessage(int fd, MessageType type, std::string_view payload) {
  Header header = {static_cast<uint32_t>(type), 0, payload.size()};
  iovec parts[2] = {{&header, sizeof header}, {const_cast<char*>(payload.data()), payload.size()}};
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  size_t left = sizeof header + payload.size();
  while (left > 0) {
    // A child that is gone must be an error here, not a SIGPIPE to the worker.
    const ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return Unavailable("the other side of the socket is gone");
    left -= static_cast<size_t>(sent);
    size_t done = static_cast<size_t>(sent);
    while (message.msg_iovlen > 0 && done >= message.msg_iov->iov_len) {
      done -= message.msg_iov->iov_len;
      ++message.msg_iov;
      --message.msg_iovlen;
    }
    if (message.msg_iovlen > 0) {
      message.msg_iov->iov_base = static_cast<char*>(message.msg_iov->iov_base) + done;
      message.msg_iov->iov_len -= done;
    }
  }
  return {};
}

Status ReceiveMessage(int fd, Message* message) {
  Header header = {};
  VORA_RETURN_IF_ERROR(ReadExactly(fd, reinterpret_cast<char*>(&header), sizeof header));
  // Before any memory is taken for it.
  if (header.length > kMaxMessageBytes) return InvalidArgument("a message of " + std::to_string(header.length) + " bytes");
  message->type = static_cast<MessageType>(header.type);
  message->payload.resize(header.length);
  return ReadExactly(fd, message->payload.data(), message->payload.size());
}

std::string PackRead(const ReadRequest& request) {
  std::string out;
  Put(&out, request.offset);
  Put(&out, request.length);
  return out;
}

StatusOr<ReadRequest> UnpackRead(std::string_view payload) {
  ReadRequest request;
  // As much as a block of the reader: a child cannot make the worker hold more.
  if (!Take(&payload, &request.offset) || !Take(&payload, &request.length) || request.offset < 0 || request.length > (1U << 20)) {
    return InvalidArgument("malformed read request");
  }
  return request;
}

std::string PackSegment(const media::EncodedSegment& segment) {
  std::string out;
  out.reserve(segment.bytes.size() + segment.init.size() + 128);
  Put<int32_t>(&out, segment.index);
  Put<int64_t>(&out, segment.duration);
  PutText(&out, segment.codecs);
  PutText(&out, segment.init);
  PutText(&out, segment.bytes);
  return out;
}

StatusOr<media::EncodedSegment> UnpackSegment(std::string_view payload) {
  media::EncodedSegment segment;
  int32_t index = 0;
  if (!Take(&payload, &index) || !Take(&payload, &segment.duration) || !TakeText(&payload, &segment.codecs) ||
      !TakeText(&payload, &segment.init) || !TakeText(&payload, &segment.bytes)) {
    return InvalidArgument("malformed segment message");
  }
  segment.index = index;
  return segment;
}

std::string PackObject(const PartObject& object) {
  std::string out;
  out.reserve(object.name.size() + object.bytes.size() + 32);
  PutText(&out, object.name);
  Put<double>(&out, object.share);
  PutText(&out, object.bytes);
  return out;
}

StatusOr<PartObject> UnpackObject(std::string_view payload) {
  PartObject object;
  if (!TakeText(&payload, &object.name) || !Take(&payload, &object.share) || !TakeText(&payload, &object.bytes)) {
    return InvalidArgument("malformed object message");
  }
  // Not a number fails both comparisons.
  if (!(object.share >= 0 && object.share <= 1)) object.share = 0;
  return object;
}

std::string PackStatus(const Status& status) {
  std::string out;
  Put<int32_t>(&out, static_cast<int32_t>(status.code()));
  PutText(&out, vora::Message(status));
  const ErrorDetail detail = DetailOf(status);
  for (const std::string& text : {detail.reason, detail.field, detail.limit}) PutText(&out, text);
  return out;
}

Status UnpackStatus(std::string_view payload) {
  int32_t code = 0;
  std::string message;
  ErrorDetail detail;
  // A child cannot fail with OK.
  bool whole = Take(&payload, &code) && TakeText(&payload, &message) && code > 0 && code <= 16;
  for (std::string* text : {&detail.reason, &detail.field, &detail.limit}) whole = whole && TakeText(&payload, text);
  if (!whole) return Internal("malformed failure message");
  return WithDetail(MakeStatus(static_cast<StatusCode>(code), message), detail);
}

}  // namespace vora::transcode
