#pragma once

// Says what a file is that is no video: playlists, lists of files, session descriptions, links, pictures, documents, programs.

#include <string_view>

#include "libs/core/status.h"

namespace vora::media {

// Enough bytes of a file's beginning for CheckIsVideo.
inline constexpr size_t kHeadBytes = 4096;

// `head`: the first kHeadBytes, or all. OK when it does not look like any of these; else media.not_a_video with the format's name and what
// to do. Looks at bytes only.
Status CheckIsVideo(std::string_view head);

}  // namespace vora::media
