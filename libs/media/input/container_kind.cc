#include "libs/media/input/container_kind.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/media/base/media_error.h"

namespace vora::media {
namespace {

using namespace std::string_view_literals;

struct Mark {
  std::string_view begin;  // lower case, or bytes
  const char* what;
};

// Text that names media elsewhere.
constexpr Mark kTexts[] = {{"#extm3u", "a playlist (hls)"},
                           {"#ext-x-", "a playlist (hls)"},
                           {"ffconcat", "a list of files (concat)"},
                           {"file '", "a list of files (concat)"},
                           {"file \"", "a list of files (concat)"},
                           {"v=0", "a session description (sdp)"},
                           {"[reference]", "a playlist (asx)"},
                           {"[playlist]", "a playlist (pls)"},
                           {"rtsptext", "a link (rtsp)"},
                           {"rtsp://", "a link (rtsp)"},
                           {"rtmp://", "a link (rtmp)"},
                           {"mms://", "a link (mms)"},
                           {"http://", "a link (http)"},
                           {"https://", "a link (https)"},
                           {"ftp://", "a link (ftp)"},
                           {"file:", "a link (file)"},
                           {"concat:", "a list of files (concat)"},
                           {"smiltext", "a playlist (smil)"}};

// Elements of XML documents, wherever they begin within the head.
constexpr Mark kElements[] = {{"<mpd", "a playlist (dash)"},
                              {"<asx", "a playlist (asx)"},
                              {"<smil", "a playlist (smil)"},
                              {"<playlist", "a playlist (xspf)"},
                              {"<smoothstreamingmedia", "a playlist (smooth streaming)"},
                              {"<compositionplaylist", "a playlist (imf)"},
                              {"<manifest", "a playlist (f4m)"},
                              {"<svg", "a picture (svg)"},
                              {"<html", "a web page (html)"},
                              {"<!doctype html", "a web page (html)"}};

constexpr Mark kBytes[] = {{"\x89PNG", "a picture (png)"},
                           {"GIF8", "a picture (gif)"},
                           {"\xff\xd8\xff", "a picture (jpeg)"},
                           {"II*", "a picture (tiff)"},
                           {"MM\0*"sv, "a picture (tiff)"},
                           {"8BPS", "a picture (psd)"},
                           {"%PDF", "a document (pdf)"},
                           {"PK\x03\x04", "an archive (zip)"},
                           {"\x1f\x8b", "an archive (gzip)"},
                           {"BZh", "an archive (bzip2)"},
                           {"\xfd"
                            "7zXZ",
                            "an archive (xz)"},
                           {"7z\xbc\xaf", "an archive (7z)"},
                           {"Rar!", "an archive (rar)"},
                           {"FWS", "a Flash program (swf)"},
                           {"CWS", "a Flash program (swf)"},
                           {"ZWS", "a Flash program (swf)"},
                           {"\x7f"
                            "ELF",
                            "a program (elf)"}};

Status Refuse(const std::string& what) {
  return MakeError(errors::kMediaNotAVideo, "This is " + what + ", not a video; upload the media file itself.");
}

bool LooksLikeXml(std::string_view text) { return !text.empty() && text[0] == '<'; }

}  // namespace

Status CheckIsVideo(std::string_view head) {
  for (const Mark& mark : kBytes) {
    if (head.substr(0, mark.begin.size()) == mark.begin) return Refuse(mark.what);
  }
  if (head.size() >= 12 && head.substr(0, 4) == "RIFF" && head.substr(8, 4) == "WEBP") return Refuse("a picture (webp)");
  std::string text(head.substr(0, kHeadBytes));
  if (text.rfind("\xef\xbb\xbf", 0) == 0) text.erase(0, 3);
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  text = ToLower(text);
  for (const Mark& mark : kTexts) {
    if (text.rfind(mark.begin, 0) != 0) continue;
    // Three characters prove little: a session description also has a line of media or of its name.
    if (mark.begin == "v=0" && text.find("\nm=") == std::string::npos && text.find("\ns=") == std::string::npos) continue;
    return Refuse(mark.what);
  }
  if (LooksLikeXml(text)) {
    for (const Mark& mark : kElements) {
      if (text.find(mark.begin) != std::string::npos) return Refuse(mark.what);
    }
  }
  return {};
}

}  // namespace vora::media
