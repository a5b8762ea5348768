#pragma once

// The span of a request that a server answered, by OpenTelemetry's conventions for HTTP.

#include <string>

#include "libs/core/clock.h"
#include "libs/http/message/message.h"

namespace vora::http {

// `shown_path`: what may be told of the path. `status` 0: the client went away before there was one.
void RecordServerSpan(const Request& request, const std::string& route, const std::string& shown_path, int status, SystemTime start);

}  // namespace vora::http
