#pragma once

// What the worker and its child processes say to each other over a socket pair: framed messages. The worker trusts no length a child names.

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/media/video/segment_encoder.h"

namespace vora::transcode {

enum class MessageType : uint32_t {
  kJob = 1,         // to the child: a serialised input message; more than one for a decoder
  kStart = 2,       // to the child: the source's size (text)
  kRead = 3,        // from the child: offset and length
  kData = 4,        // to the child: the bytes asked for
  kReadFailed = 5,  // to the child: the source cannot be read; it should give up
  kSegment = 6,     // from the child: an encoded segment
  kResult = 7,      // from the child: the last word of a success
  kFailure = 8,     // from the child: the last word of a failure
  kNotice = 9,      // from the child: the layers of its sandbox; role check only
  kObject = 10,     // from the child: an object of a part
};

struct Message {
  MessageType type = MessageType::kResult;
  std::string payload;
};

inline constexpr uint64_t kMaxMessageBytes = 256ULL << 20;

// Blocks until all is written. UNAVAILABLE when the other side is gone. Thread-safe only for one sender.
Status SendMessage(int fd, MessageType type, std::string_view payload);
// Blocks. UNAVAILABLE: the other side is gone. INVALID_ARGUMENT: a length over kMaxMessageBytes.
Status ReceiveMessage(int fd, Message* message);

struct ReadRequest {
  int64_t offset = 0;
  uint32_t length = 0;
};
std::string PackRead(const ReadRequest& request);
StatusOr<ReadRequest> UnpackRead(std::string_view payload);

std::string PackSegment(const media::EncodedSegment& segment);
StatusOr<media::EncodedSegment> UnpackSegment(std::string_view payload);

struct PartObject {
  std::string name;  // below the video's prefix
  double share = 0;  // of the work that is done with it, 0 to 1
  std::string bytes;
};
std::string PackObject(const PartObject& object);
StatusOr<PartObject> UnpackObject(std::string_view payload);

std::string PackStatus(const Status& status);
Status UnpackStatus(std::string_view payload);

}  // namespace vora::transcode
