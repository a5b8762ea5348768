#include "libs/cmcd/structured_field.h"

#include <cmath>

namespace vora::cmcd {
namespace {

// RFC 9651 sections 3.3.1 and 3.3.2. So many digits fit an int64 and a double, so that nothing below overflows.
constexpr size_t kMaxIntegerDigits = 15;
constexpr size_t kMaxDecimalDigits = 12;   // before the point
constexpr size_t kMaxFractionDigits = 15;  // the RFC allows 3; some encoders write what JavaScript prints

bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsKeyByte(char c) { return IsAlpha(c) || IsDigit(c) || c == '_' || c == '-' || c == '.' || c == '*'; }
bool IsTokenByte(char c) { return IsAlpha(c) || IsDigit(c) || std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos; }

}  // namespace

std::string Item::Text() const {
  if (kind == Kind::kInteger) return std::to_string(integer);
  if (!escaped) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') ++i;
    out += text[i];
  }
  return out;
}

Status DictionaryReader::Fault(std::string_view what) const {
  std::string message(key_.empty() ? std::string_view("CMCD") : key_);
  message.append(": ").append(what).append(" at character ").append(std::to_string(at_ + 1));
  return InvalidArgument(message);
}

bool DictionaryReader::Take(char wanted) {
  if (at_ >= text_.size() || text_[at_] != wanted) return false;
  ++at_;
  return true;
}

void DictionaryReader::SkipSpaces(bool tabs) {
  while (at_ < text_.size() && (text_[at_] == ' ' || (tabs && text_[at_] == '\t'))) ++at_;
}

StatusOr<std::optional<Member>> DictionaryReader::Next() {
  SkipSpaces(true);
  if (at_ == text_.size()) return std::optional<Member>();
  if (begun_) {
    if (!Take(',')) return Fault("a comma is missing");
    SkipSpaces(true);
    if (at_ == text_.size()) return Fault("nothing follows the last comma");
  }
  begun_ = true;
  key_ = {};
  Member member;
  VORA_RETURN_IF_ERROR(ReadKey(member.key));
  key_ = member.key;
  if (!Take('=')) {
    // A key alone is true (RFC 9651 section 4.2.2), which is what an Item begins as.
    member.item.emplace();
    VORA_RETURN_IF_ERROR(ReadParameters(member.item->video));
  } else if (Peek() == '(') {
    VORA_RETURN_IF_ERROR(ReadInnerList(member));
  } else {
    VORA_RETURN_IF_ERROR(ReadItem(member.item.emplace()));
  }
  return std::optional<Member>(member);
}

Status DictionaryReader::ReadKey(std::string_view& key) {
  const size_t begin = at_;
  if (!IsAlpha(Peek()) && Peek() != '*') return Fault("a key must begin with a letter");
  while (at_ < text_.size() && IsKeyByte(text_[at_])) ++at_;
  key = text_.substr(begin, at_ - begin);
  return absl::OkStatus();
}

Status DictionaryReader::ReadItem(Item& item) {
  VORA_RETURN_IF_ERROR(ReadBare(item));
  return ReadParameters(item.video);
}

Status DictionaryReader::ReadBare(Item& item) {
  const char first = Peek();
  if (first == '-' || IsDigit(first)) return ReadNumber(item);
  if (first == '"') return ReadString(item);
  if (first == ':') return ReadEnclosed(item, ':');
  if (Take('?')) {
    item.kind = Item::Kind::kBoolean;
    item.boolean = Peek() == '1';
    if (!Take('1') && !Take('0')) return Fault("a boolean is ?0 or ?1");
    return absl::OkStatus();
  }
  // Dates and display strings, RFC 9651 sections 3.3.7 and 3.3.8: no key that is read here has one, but the members after it must be found.
  if (Take('@')) {
    VORA_RETURN_IF_ERROR(ReadNumber(item));
    item.kind = Item::Kind::kOther;
    return absl::OkStatus();
  }
  if (Take('%')) {
    if (Peek() != '"') return Fault("a display string must begin with %\"");
    return ReadEnclosed(item, '"');
  }
  if (!IsAlpha(first) && first != '*') return Fault("a value is missing");
  const size_t begin = at_;
  while (at_ < text_.size() && IsTokenByte(text_[at_])) ++at_;
  item.kind = Item::Kind::kToken;
  item.text = text_.substr(begin, at_ - begin);
  return absl::OkStatus();
}

Status DictionaryReader::ReadNumber(Item& item) {
  const bool negative = Take('-');
  const size_t begin = at_;
  int64_t whole = 0;
  for (; IsDigit(Peek()); ++at_) {
    if (at_ - begin >= kMaxIntegerDigits) return Fault("a number may have at most 15 digits");
    whole = whole * 10 + (text_[at_] - '0');
  }
  const size_t digits = at_ - begin;
  if (digits == 0) return Fault("a digit is missing");
  item.kind = Item::Kind::kInteger;
  double value = static_cast<double>(whole);
  if (Take('.')) {
    if (digits > kMaxDecimalDigits) return Fault("a decimal may have at most 12 digits before its point");
    const size_t point = at_;
    double scale = 0.1;
    for (; IsDigit(Peek()); ++at_, scale /= 10) {
      if (at_ - point >= kMaxFractionDigits) return Fault("a decimal may have at most 15 digits after its point");
      value += scale * (text_[at_] - '0');
    }
    if (at_ == point) return Fault("a digit is missing");
    item.kind = Item::Kind::kDecimal;
  }
  item.decimal = negative ? -value : value;
  item.integer = item.kind == Item::Kind::kDecimal ? std::llround(item.decimal) : (negative ? -whole : whole);
  return absl::OkStatus();
}

Status DictionaryReader::ReadString(Item& item) {
  ++at_;
  const size_t begin = at_;
  item.kind = Item::Kind::kString;
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '"') {
      item.text = text_.substr(begin, at_ - begin);
      ++at_;
      return absl::OkStatus();
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return Fault("a string may not hold control characters");
    if (c != '\\') continue;
    item.escaped = true;
    ++at_;
    if (Peek() != '"' && Peek() != '\\') return Fault("only \\\" and \\\\ are escapes");
  }
  return Fault("the closing quote is missing");
}

// What Vora has no use for: byte sequences and display strings.
Status DictionaryReader::ReadEnclosed(Item& item, char end) {
  const size_t close = text_.find(end, at_ + 1);
  if (close == std::string_view::npos) return Fault("the closing delimiter is missing");
  at_ = close + 1;
  item.kind = Item::Kind::kOther;
  return absl::OkStatus();
}

Status DictionaryReader::ReadParameters(bool& video) {
  while (Take(';')) {
    SkipSpaces(false);
    std::string_view name;
    VORA_RETURN_IF_ERROR(ReadKey(name));
    Item ignored;
    if (Take('=')) VORA_RETURN_IF_ERROR(ReadBare(ignored));
    // Either the object type itself (`;v`), or the parameter that names it (`;ot=v`).
    if (name == "v" || (name == "ot" && ignored.text == "v")) video = true;
  }
  return absl::OkStatus();
}

Status DictionaryReader::ReadInnerList(Member& member) {
  member.is_list = true;
  ++at_;
  while (true) {
    SkipSpaces(false);
    if (Take(')')) break;
    Item item;
    VORA_RETURN_IF_ERROR(ReadItem(item));
    if (Peek() != ' ' && Peek() != ')') return Fault("the items of a list are separated by spaces and end with `)`");
    if (!member.item || (item.video && !member.item->video)) member.item = item;
  }
  bool ignored = false;
  return ReadParameters(ignored);
}

}  // namespace vora::cmcd
