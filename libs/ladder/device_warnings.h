#pragma once

// What devices do not play, in sentences for people. Pure.

#include <string>
#include <vector>

#include "vora/media/v1/media.pb.h"

namespace vora::ladder {

// Of a ladder, as if it were given a 16:9 picture of 30 frames a second.
std::vector<std::string> DeviceWarnings(const media::v1::Ladder& ladder);
// Of what a source becomes.
std::vector<std::string> DeviceWarnings(const media::v1::Plan& plan);

}  // namespace vora::ladder
