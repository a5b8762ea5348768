#pragma once

#include <string>
#include <string_view>

namespace vora::upload {

// The media type the client named in its metadata (`filetype`, or `type`), if it is a well-formed one (RFC 6838 section 4.2);
// else application/octet-stream.
std::string ContentTypeOf(std::string_view metadata_header);

}  // namespace vora::upload
