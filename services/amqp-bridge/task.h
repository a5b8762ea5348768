#pragma once

// What a message asks for. Pure.

#include <cstddef>

#include "libs/core/status.h"
#include "services/amqp-bridge/message.h"
#include "services/amqp-bridge/recipient.h"
#include "vora/metadata/v1/metadata.pb.h"

namespace vora::amqp {

struct Task {
  Recipient recipient;  // who is answered; known of a bad message too, as far as it says so
  metadata::v1::ImportVideoRequest request;
};

// Reads the body of POST /v1/videos for a source, by itself or as the keyword arguments of a Celery task (protocol 2: a message with the
// headers `task` and `id`; https://docs.celeryq.dev, "Message Protocol"). What names the task, and so makes a redelivery the same request,
// is the first of: `request_id` of the body, Celery's `id`, message_id, correlation_id, `external_id` of the body. INVALID_ARGUMENT names
// the field and the limit.
Status ReadTask(const Message& message, size_t max_body, Task& task);

}  // namespace vora::amqp
