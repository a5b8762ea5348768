#pragma once

// What files call their streams.

#include <set>
#include <string>

#include "libs/media/base/av_internal.h"

namespace vora::media {

// A tag of the stream in one line of clean text; empty when there is none.
std::string StreamTag(const AVStream& stream, const char* key);
// What the stream is called, for people; empty when it is not, or only by the program that wrote it.
std::string StreamTitle(const AVStream& stream);
// `wanted`, or the first of `wanted` + `separator` + 2, 3, ... that is not taken yet.
std::string UniqueName(const std::string& wanted, const std::string& separator, std::set<std::string>& taken);

}  // namespace vora::media
