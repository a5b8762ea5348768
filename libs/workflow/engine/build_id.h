#pragma once

#include <string>

namespace vora::workflow {

// Names this program: the same for all replicas of one build, another one for any other. From the linker's build id, which is a digest of
// the program; the version where there is none.
std::string BuildId();

}  // namespace vora::workflow
