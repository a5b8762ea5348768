#pragma once

#include <string_view>

namespace vora {

// Of the whole project: its one home is CMakeLists.txt.
std::string_view Version();

}  // namespace vora
