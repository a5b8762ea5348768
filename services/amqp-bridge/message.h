#pragma once

// Messages as the broker carries them.

#include <cstdint>
#include <map>
#include <string>

namespace vora::amqp {

// One that was taken from the queue. Absent properties are empty.
struct Message {
  std::string body;
  uint64_t body_size = 0;  // bytes; the body is empty when it is larger than what is taken
  std::string content_type, content_encoding, message_id, correlation_id, reply_to;
  std::map<std::string, std::string> headers = {};  // those that are texts
};

// One to be published, persistent, as application/json.
struct Reply {
  std::string type;            // `video.ready`, `task.accepted`
  std::string message_id;      // the same whenever it is published
  std::string correlation_id;  // of the task's message, or the task's id
  std::string reply_to;        // a queue that gets it too; empty: only the reply exchange does
  std::string body;
};

}  // namespace vora::amqp
