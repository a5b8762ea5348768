#pragma once

// Languages as media files name them.

#include <string>
#include <string_view>

namespace vora::media {

// BCP 47 of what a file says: ISO 639-2 codes become the shorter ones of ISO 639-1 (RFC 5646 section 2.2.1: "deu" and "ger" are "de"),
// upper and lower case as is usual ("pt-BR"). "und" for anything else. At most 24 characters of [A-Za-z0-9-]. Pure.
std::string LanguageTag(std::string_view text);

// What speakers of the language call it ("Deutsch"; "Português (BR)"); the tag itself for a rare one, empty for "und". Pure.
std::string LanguageName(std::string_view tag);

}  // namespace vora::media
