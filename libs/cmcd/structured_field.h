#pragma once

// Reads a structured-field dictionary (RFC 9651 section 4.2.2), the syntax of CMCD, member by member and without copying. A little more
// lenient than the RFC, since version 1 is older than its players' encoders: capital letters in keys, bytes beyond ASCII in strings.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::cmcd {

struct Item {
  enum class Kind { kBoolean, kInteger, kDecimal, kString, kToken, kOther } kind = Kind::kBoolean;
  bool boolean = true;
  int64_t integer = 0;    // of a decimal: rounded
  double decimal = 0;     // of an integer too
  std::string_view text;  // of a string still with its escapes
  bool escaped = false;   // `text` holds escapes
  bool video = false;     // has the parameter `v`

  std::string Text() const;  // without escapes
};

struct Member {
  std::string_view key;
  bool is_list = false;
  std::optional<Item> item;  // of an inner list: the one marked as video, else the first; absent: the list is empty
};

// The views it hands out are into `text`.
class DictionaryReader {
 public:
  explicit DictionaryReader(std::string_view text) : text_(text) {}
  // The next member; nullopt at the end. INVALID_ARGUMENT names the key and where it went wrong; then read no further.
  StatusOr<std::optional<Member>> Next();

 private:
  Status Fault(std::string_view what) const;
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char wanted);
  void SkipSpaces(bool tabs);
  Status ReadKey(std::string_view& key);
  Status ReadItem(Item& item);
  Status ReadBare(Item& item);
  Status ReadNumber(Item& item);
  Status ReadString(Item& item);
  Status ReadEnclosed(Item& item, char end);
  Status ReadParameters(bool& video);
  Status ReadInnerList(Member& member);

  std::string_view text_;
  size_t at_ = 0;
  std::string_view key_;
  bool begun_ = false;
};

}  // namespace vora::cmcd
