#include "libs/media/captions/webvtt.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <tuple>

#include "libs/core/text.h"

namespace vora::media {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// What follows `\p` in an override block: the scale of a drawing, 0 where text begins again; -1 when the block says nothing of it.
int DrawingScale(std::string_view block) {
  int scale = -1;
  for (size_t at = block.find("\\p"); at != std::string_view::npos; at = block.find("\\p", at + 2)) {
    // Not \pos, \pbo.
    if (at + 2 < block.size() && block[at + 2] >= '0' && block[at + 2] <= '9') scale = block[at + 2] - '0';
  }
  return scale;
}

// Section 6.4 of WebVTT: escapes for what would begin markup, and for the arrow of a timing line.
std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string VttTime(int64_t ms) {
  char text[40];
  std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld.%03lld", static_cast<long long>(ms / 3600000),
                static_cast<long long>(ms / 60000 % 60), static_cast<long long>(ms / 1000 % 60), static_cast<long long>(ms % 1000));
  return text;
}

std::string PlainFromAss(std::string_view text) {
  std::string out;
  bool drawing = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{') {
      const size_t end = text.find('}', i);
      if (end != std::string_view::npos) {
        const int scale = DrawingScale(text.substr(i, end - i));
        if (scale >= 0) drawing = scale > 0;
        i = end;
        continue;
      }
    }
    if (drawing) continue;
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\\' && (next == 'N' || next == 'n')) {
      out += '\n';
      ++i;
    } else if (c == '\\' && next == 'h') {
      out += "\xc2\xa0";
      ++i;
    } else if (c == '\\' && (next == '{' || next == '}' || next == '\\')) {
      out += next;
      ++i;
    } else {
      out += c;
    }
  }
  return out;
}

std::string CleanText(std::string_view text, size_t max_bytes) {
  std::string out, line;
  const auto end_line = [&] {
    while (!line.empty() && IsBlank(line.back())) line.pop_back();
    if (!line.empty()) out += (out.empty() ? "" : "\n") + line;
    line.clear();
  };
  while (!text.empty()) {
    const size_t size = Utf8SequenceLength(text);
    const std::string_view character = text.substr(0, std::max<size_t>(1, size));
    text.remove_prefix(character.size());
    if (size == 0) continue;
    if (out.size() + line.size() + size + 1 > max_bytes) break;
    // U+0080 to U+009F: control characters as much as those below 0x20.
    const bool c1_control =
        size == 2 && static_cast<unsigned char>(character[0]) == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
    if (character[0] == '\n') {
      end_line();
    } else if (size == 1 && IsBlank(character[0])) {
      if (!line.empty()) line += ' ';
    } else if (!c1_control && (size > 1 || (character[0] >= 0x20 && character[0] != 0x7f))) {
      line += character;
    }
  }
  end_line();
  return out;
}

WebVtt WriteWebVtt(std::vector<Cue> cues, double duration_seconds, size_t max_bytes) {
  std::stable_sort(cues.begin(), cues.end(), [](const Cue& a, const Cue& b) { return a.start_seconds < b.start_seconds; });
  WebVtt vtt;
  vtt.text = "WEBVTT\n";
  std::vector<std::tuple<int64_t, int64_t, std::string_view>> now;  // those that begin with the last one
  for (const Cue& cue : cues) {
    const int64_t start = std::llround(std::clamp(cue.start_seconds, 0.0, duration_seconds) * 1000);
    const int64_t end = std::llround(std::clamp(cue.end_seconds, 0.0, duration_seconds) * 1000);
    if (end <= start || cue.text.empty()) continue;
    if (!now.empty() && std::get<0>(now[0]) != start) now.clear();
    const std::tuple<int64_t, int64_t, std::string_view> same(start, end, cue.text);
    // Typeset ASS shows one line in several layers at once (outline, shadow, fill): one cue is enough of it.
    if (std::find(now.begin(), now.end(), same) != now.end()) continue;
    now.push_back(same);
    const std::string block = "\n" + VttTime(start) + " --> " + VttTime(end) + "\n" + Escaped(cue.text) + "\n";
    if (vtt.text.size() + block.size() > max_bytes) {
      vtt.cut = true;
      break;
    }
    vtt.text += block;
    ++vtt.cues;
  }
  return vtt;
}

}  // namespace vora::media
