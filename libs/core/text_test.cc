#include "libs/core/text.h"

#include <gtest/gtest.h>

namespace vora {
namespace {

struct Utf8Case {
  std::string_view text;
  std::optional<size_t> characters;  // nullopt: not valid
};

TEST(TextTest, CountsCodePointsAndTellsWhatIsNoUtf8) {
  const Utf8Case cases[] = {
      {"", 0},
      {"abc", 3},
      {"grün €", 6},
      {"\xf0\x9f\x8e\xac", 1},
      {std::string_view("a\0b", 3), 3},
      {"\xf4\x8f\xbf\xbf", 1},
      {"\xed\x9f\xbf\xee\x80\x80", 2},
      {"\x80", std::nullopt},
      {"\xc0\xaf", std::nullopt},          // overlong
      {"\xc1\xbf", std::nullopt},          // overlong
      {"\xe0\x9f\xbf", std::nullopt},      // overlong
      {"\xf0\x8f\xbf\xbf", std::nullopt},  // overlong
      {"\xed\xa0\x80", std::nullopt},      // a surrogate
      {"\xf4\x90\x80\x80", std::nullopt},  // beyond U+10FFFF
      {"\xf5\x80\x80\x80", std::nullopt},
      {"a\xe2\x82", std::nullopt},  // cut inside a character
      {"\xff", std::nullopt},
  };
  for (const Utf8Case& c : cases) {
    EXPECT_EQ(CountCodePoints(c.text), c.characters) << testing::PrintToString(c.text);
    EXPECT_EQ(IsValidUtf8(c.text), c.characters.has_value()) << testing::PrintToString(c.text);
  }
  EXPECT_EQ(Utf8SequenceLength(""), 0u);
  EXPECT_EQ(Utf8SequenceLength("\xc3\xbcx"), 2u);
}

TEST(TextTest, RepairsUtf8OfAnything) {
  EXPECT_EQ(RepairUtf8("grün €", 100), "grün €");
  EXPECT_EQ(RepairUtf8("a\xff\xc0\xaf z", 100), "a??? z");
  EXPECT_EQ(RepairUtf8(std::string_view("a\0b", 3), 100), "a?b");
  EXPECT_EQ(RepairUtf8("\xed\xa0\x80", 100), "???") << "a surrogate";
  EXPECT_EQ(RepairUtf8("abcdef", 3), "def");
  EXPECT_EQ(RepairUtf8("x\xe2\x82\xac", 2), "??") << "cut inside a character";
}

TEST(TextTest, TrimsBlanksOnly) {
  EXPECT_EQ(TrimBlanks(" \t a b\t "), "a b");
  EXPECT_EQ(TrimBlanks("\r\na\n"), "\r\na\n");
  EXPECT_EQ(TrimBlanks(" \t"), "");
}

TEST(TextTest, KnowsControlCharacters) {
  for (const char c : {'\0', '\n', '\x1f', '\x7f'}) EXPECT_TRUE(IsControl(c)) << int{c};
  for (const char c : {' ', 'a', '~', '\x80', '\xff'}) EXPECT_FALSE(IsControl(c)) << int{c};
}

}  // namespace
}  // namespace vora
