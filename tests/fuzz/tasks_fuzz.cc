// Messages of a broker's queue: what is read has a name and somebody to answer, who is found again in a text of it; what is not says which
// field is wrong. The first byte tells how the message came: by itself, from Celery, without a name.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "libs/core/status.h"
#include "services/amqp-bridge/task.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  vora::amqp::Message message;
  message.body.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  message.body_size = message.body.size();
  switch (data[0] % 4) {
    case 0:
      message.message_id = "m";
      break;
    case 1:
      message.headers = {{"task", "t"}, {"id", "c"}};
      message.reply_to = "q";
      break;
    case 2:
      break;
    default:  // a hostile name
      message.correlation_id = "c";
      message.message_id = message.body;
  }
  vora::amqp::Task task;
  const vora::Status read = vora::amqp::ReadTask(message, 512, task);
  if (!read.ok()) {
    Require(read.code() == vora::StatusCode::kInvalidArgument && !vora::Message(read).empty());
    return 0;
  }
  Require(!task.recipient.correlation_id.empty() && task.recipient.correlation_id.size() <= 255);
  Require(vora::amqp::RecipientOf(vora::amqp::TextOf(task.recipient)) == task.recipient);
  // What is no UTF-8 would not get over gRPC.
  vora::metadata::v1::ImportVideoRequest again;
  Require(again.ParseFromString(task.request.SerializeAsString()));
  return 0;
}
