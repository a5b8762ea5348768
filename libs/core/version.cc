#include "libs/core/version.h"

namespace vora {

std::string_view Version() { return VORA_VERSION; }

}  // namespace vora
