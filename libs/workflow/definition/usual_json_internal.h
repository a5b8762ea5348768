#pragma once

// The usual JSON of protobuf messages, read by simdjson and reflection: ten times as fast as protobuf's own parser, in which a replay would
// spend most of its time.

#include <google/protobuf/message.h>

#include <string_view>

namespace vora::workflow {

// True: `message` (empty before) holds what protobuf's parser would have read. False: there is something in it that is left to that parser
// (anything but scalars, messages and lists of them, in the form in which protobuf writes them), and `message` holds a part.
bool ReadUsualJson(std::string_view json, google::protobuf::Message& message);

}  // namespace vora::workflow
