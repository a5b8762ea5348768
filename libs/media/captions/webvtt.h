#pragma once

// Timed text as WebVTT (W3C WebVTT: The Web Video Text Tracks Format). Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vora::media {

struct Cue {
  double start_seconds = 0;
  double end_seconds = 0;
  std::string text;  // plain UTF-8; lines separated by \n
};

// The plain text of an ASS dialogue's text field: override tags and drawings are left out, \N and \n break the line.
std::string PlainFromAss(std::string_view text);
// Valid UTF-8 without control characters but line breaks; surrounding white space and empty lines are dropped. At most `max_bytes`.
std::string CleanText(std::string_view text, size_t max_bytes);

// `00:00:05.250`
std::string VttTime(int64_t ms);

struct WebVtt {
  std::string text;
  int cues = 0;
  bool cut = false;  // there was more than `max_bytes`
};
// The cues within [0, duration), clipped to it, in order of time; empty ones and exact repetitions are left out. Nothing of a cue's text is
// taken for markup.
WebVtt WriteWebVtt(std::vector<Cue> cues, double duration_seconds, size_t max_bytes);

}  // namespace vora::media
