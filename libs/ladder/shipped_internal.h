#pragma once

#include <string_view>
#include <vector>

namespace vora::ladder::internal {

// The files of shipped/, by name.
const std::vector<std::string_view>& ShippedTexts();

}  // namespace vora::ladder::internal
