#pragma once

// Changes the URIs of a playlist or manifest this project wrote, for players that carry their token in the query.

#include <string>
#include <string_view>

namespace vora::gateway {

// Puts `prefix` before and `suffix` ("?token=...") after every URI line and URI attribute.
std::string RewriteHlsUris(std::string_view playlist, std::string_view prefix, std::string_view suffix);
// The same for the SegmentTemplate patterns and base URLs of an MPD; `$` in the arguments must not occur.
std::string RewriteDashUris(std::string_view mpd, std::string_view prefix, std::string_view suffix);

// The same for the pictures that a storyboard's cues name; `suffix` goes before the fragment.
std::string RewriteStoryboardUris(std::string_view vtt, std::string_view prefix, std::string_view suffix);

}  // namespace vora::gateway
