#include "services/metadata/api/console_files.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <utility>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/text.h"

namespace vora::metadata {
namespace {

namespace fs = std::filesystem;

constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
    {".webmanifest", "application/manifest+json"},
};

// Both are canonical, so neither `..` nor a link is left in them that could lead out.
bool IsInside(const fs::path& root, const fs::path& path) {
  return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

}  // namespace

std::string_view ContentTypeOf(std::string_view name) {
  for (const auto& [ending, type] : kTypes) {
    if (name.size() > ending.size() && name.substr(name.size() - ending.size()) == ending) return type;
  }
  return "application/octet-stream";
}

bool AcceptsGzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const size_t comma = accept_encoding.find(',');
    std::string_view item = accept_encoding.substr(0, comma);
    accept_encoding = comma == std::string_view::npos ? std::string_view() : accept_encoding.substr(comma + 1);
    std::string plain = ToLower(item);
    std::erase_if(plain, [](char c) { return c == ' ' || c == '\t'; });
    if (plain == "gzip") return true;
    // A weight of zero refuses; every other one is above the 0 of what is not named.
    if (plain.starts_with("gzip;q=")) return plain.find_first_of("123456789", 7) != std::string::npos;
  }
  return false;
}

StatusOr<ConsoleFile> ReadConsoleFile(const fs::path& root, std::string_view relative, bool gzip) {
  if (gzip) {
    auto packed = ReadConsoleFile(root, std::string(relative) + ".gz");
    if (packed.ok()) {
      packed->gzipped = true;
      return packed;
    }
  }
  return ReadConsoleFile(root, relative);
}

StatusOr<ConsoleFile> ReadConsoleFile(const fs::path& root, std::string_view relative) {
  const Status missing = NotFound("no such page");
  if (relative.empty() || relative.front() == '/' || relative.find('\0') != std::string_view::npos) return missing;
  std::error_code error;
  const fs::path base = fs::canonical(root, error);
  if (error) return missing;
  const fs::path path = fs::canonical(base / fs::path(std::string(relative)), error);
  if (error || !IsInside(base, path) || !fs::is_regular_file(path, error)) return missing;
  std::ifstream in(path, std::ios::binary);
  if (!in) return missing;
  ConsoleFile file;
  file.content.assign(std::istreambuf_iterator<char>(in), {});
  // Of the bytes as they are sent: the compressed copy thereby has another tag, which RFC 9110 section 8.8.3 asks of a strong one.
  file.etag = "\"" + HexEncode(Sha256(file.content)).substr(0, 32) + "\"";
  return file;
}

}  // namespace vora::metadata
