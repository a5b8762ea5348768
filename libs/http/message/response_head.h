#pragma once

// The bytes of a response head.

#include <cstdint>
#include <optional>
#include <string>

#include "libs/http/message/message.h"

namespace vora::http {

enum class Framing { kNone, kLength, kChunked, kUntilClose };

struct HeadOptions {
  Framing framing = Framing::kNone;
  int64_t content_length = 0;  // kLength
  bool keep_alive = true;
  bool http10 = false;
};

// True for statuses that never have a body nor a Content-Length (1xx, 204, 304).
bool IsBodyless(int status);

// Connection, Content-Length and Transfer-Encoding come from `options`, whatever `head` says. Control characters in values are
// dropped, and so are fields whose names are no tokens: nothing in them can begin a header of its own.
std::string SerializeHead(const Response& head, const HeadOptions& options);

}  // namespace vora::http
