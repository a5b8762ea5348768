#pragma once

#include <string>
#include <string_view>

namespace vora::analytics {

// What is wrong with a text that is not JSON, and where, for people. `otherwise` when nothing more is known.
std::string JsonFault(std::string_view text, std::string_view otherwise);

}  // namespace vora::analytics
