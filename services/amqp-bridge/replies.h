#pragma once

// What is answered. Each is JSON: `type`, `timestamp`, `task_id` (the correlation id), `data` of the video as webhooks have it
// (docs/webhooks.md) with its URLs once it can be played, and, as a client of Celery reads a result, `status`, `result`, `traceback` and
// `children`. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "services/amqp-bridge/message.h"
#include "services/amqp-bridge/recipient.h"
#include "services/amqp-bridge/task.h"
#include "vora/metadata/v1/events.pb.h"
#include "vora/metadata/v1/metadata.pb.h"

namespace vora::amqp {

// `task.accepted`, with the video as it is now: another task may have brought it further. `now`: RFC 3339.
Reply AcceptedReply(const Recipient& recipient, const metadata::v1::Video& video, std::string_view now);
// `task.refused`, with `error` as the REST API has it.
Reply RefusedReply(const Recipient& recipient, const Message& message, const Status& why, std::string_view now);

// INVALID_ARGUMENT: the body of the event is not what it should be.
StatusOr<std::string> VideoOf(const metadata::v1::Event& event);
// One for each recipient of the event, whose body is as it should be. `video`: as it is now, for its URLs; without one they are left out.
std::vector<Reply> EventReplies(const metadata::v1::Event& event, const std::optional<metadata::v1::Video>& video);

}  // namespace vora::amqp
