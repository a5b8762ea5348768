// Captions of untrusted files: the text field of ASS dialogues, made plain and written as WebVTT.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/media/captions/webvtt.h"
#include "tests/fuzz/require.h"

namespace {

constexpr size_t kMaxText = 200, kMaxFile = 400;
constexpr double kSeconds = 60;

// Each piece is a cue; its first bytes say when it is shown.
void Write(std::string_view pieces) {
  std::vector<vora::media::Cue> cues;
  while (!pieces.empty()) {
    const std::string_view piece = pieces.substr(0, pieces.find('\0'));
    pieces.remove_prefix(std::min(piece.size() + 1, pieces.size()));
    vora::media::Cue cue;
    if (!piece.empty()) cue.start_seconds = static_cast<signed char>(piece[0]);
    if (piece.size() > 1) cue.end_seconds = cue.start_seconds + static_cast<signed char>(piece[1]);
    cue.text = vora::media::CleanText(vora::media::PlainFromAss(piece.substr(std::min<size_t>(2, piece.size()))), kMaxText);
    Require(cue.text.size() <= kMaxText && cue.text.find("\n\n") == std::string::npos && cue.text.find('\r') == std::string::npos);
    Require(cue.text == vora::media::CleanText(cue.text, kMaxText));
    cues.push_back(std::move(cue));
  }
  const size_t given = cues.size();
  const vora::media::WebVtt vtt = vora::media::WriteWebVtt(std::move(cues), kSeconds, kMaxFile);
  Require(vtt.text.size() <= kMaxFile && vtt.text.starts_with("WEBVTT\n") && vtt.text.find('<') == std::string::npos);
  // Every arrow is one of ours.
  int arrows = 0;
  for (size_t at = vtt.text.find("-->"); at != std::string::npos; at = vtt.text.find("-->", at + 3)) ++arrows;
  Require(arrows == vtt.cues && static_cast<size_t>(vtt.cues) <= given);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Write({reinterpret_cast<const char*>(data), size});
  return 0;
}
