#pragma once

#include <string_view>

namespace vora {

// Of the whole project: "0.1.0".
std::string_view Version();

}  // namespace vora
