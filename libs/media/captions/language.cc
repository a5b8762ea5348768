#include "libs/media/captions/language.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "libs/media/captions/language_table_internal.h"

namespace vora::media {
namespace {

constexpr size_t kMaxTag = 24;

bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsAlphaNumeric(char c) { return IsAlpha(c) || (c >= '0' && c <= '9'); }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

const LanguageRow* Find(std::string_view code) {
  for (const LanguageRow& row : kLanguages) {
    if (code == row.code) return &row;
  }
  return nullptr;
}

std::string Shortest(const std::string& language) {
  if (language.size() != 3) return language;
  for (const LanguageRow& row : kLanguages) {
    // Codes of three letters each, separated by spaces: a hit is a whole code.
    const std::string_view longer = row.longer;
    for (size_t at = 0; at < longer.size(); at += 4) {
      if (longer.substr(at, 3) == language) return row.code;
    }
  }
  return language;
}

// RFC 5646 section 2.1.1: scripts (four letters) in title case, regions (two letters) in upper case, all else in lower case.
std::string Cased(std::string part) {
  std::transform(part.begin(), part.end(), part.begin(), Lower);
  const bool letters = std::all_of(part.begin(), part.end(), IsAlpha);
  if (letters && part.size() == 2) std::transform(part.begin(), part.end(), part.begin(), Upper);
  if (letters && part.size() == 4) part[0] = Upper(part[0]);
  return part;
}

}  // namespace

std::string LanguageTag(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char c : text.substr(0, 100)) {
    if (c == '-' || c == '_') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  std::string& language = parts[0];
  if (language.size() < 2 || language.size() > 3 || !std::all_of(language.begin(), language.end(), IsAlpha)) return "und";
  std::transform(language.begin(), language.end(), language.begin(), Lower);
  std::string tag = Shortest(language);
  // Not languages: undetermined, several, none; and ISO 639-2's range for private use.
  if (tag == "und" || tag == "mul" || tag == "zxx" || tag == "mis" || (tag >= "qaa" && tag <= "qtz")) return "und";
  for (size_t i = 1; i < parts.size(); ++i) {
    const bool valid = !parts[i].empty() && parts[i].size() <= 8 && std::all_of(parts[i].begin(), parts[i].end(), IsAlphaNumeric);
    if (!valid || tag.size() + 1 + parts[i].size() > kMaxTag) break;
    tag += "-" + Cased(parts[i]);
  }
  return tag;
}

std::string LanguageName(std::string_view tag) {
  if (tag == "und") return {};
  const size_t dash = tag.find('-');
  const LanguageRow* row = Find(tag.substr(0, dash));
  if (row == nullptr) return std::string(tag);
  std::string name = row->name;
  if (dash != std::string_view::npos) name += " (" + std::string(tag.substr(dash + 1)) + ")";
  return name;
}

}  // namespace vora::media
