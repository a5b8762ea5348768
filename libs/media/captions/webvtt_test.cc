#include "libs/media/captions/webvtt.h"

#include <gtest/gtest.h>

namespace vora::media {
namespace {

TEST(PlainFromAssTest, StylesDrawingsAndEscapesGo) {
  EXPECT_EQ(PlainFromAss("{\\i1}Hello{\\i0} {\\an8\\pos(10,20)}world"), "Hello world");
  EXPECT_EQ(PlainFromAss("two\\Nlines\\nthree\\hwide"), "two\nlines\nthree\xc2\xa0wide");
  EXPECT_EQ(PlainFromAss("{\\p1}m 0 0 l 100 0 100 100{\\p0}after"), "after");
  EXPECT_EQ(PlainFromAss("{\\an7\\p2\\bord0}m 0 0"), "");
  EXPECT_EQ(PlainFromAss("{\\pos(1,2)}seen"), "seen");
  EXPECT_EQ(PlainFromAss("an open { brace"), "an open { brace");
  EXPECT_EQ(PlainFromAss("a \\{literal\\} one \\\\"), "a {literal} one \\");
  EXPECT_EQ(PlainFromAss("trailing\\"), "trailing\\");
}

TEST(CleanTextTest, OnlyWellFormedTextIsLeft) {
  EXPECT_EQ(CleanText("  a\tb  \n\n \n c ", 100), "a b\nc");
  EXPECT_EQ(CleanText("a\r\nb\x01\x7f\x1b[0m", 100), "a\nb[0m");
  EXPECT_EQ(CleanText("caf\xe9!", 100), "caf!") << "Latin-1 is no UTF-8";
  EXPECT_EQ(CleanText("\xc0\xaf\xed\xa0\x80\xf5\x80\x80\x80x", 100), "x") << "overlong, surrogates, beyond Unicode";
  EXPECT_EQ(CleanText("\xe2\x82", 100), "");
  EXPECT_EQ(CleanText("\xc2\x85", 100), "") << "a control character of two bytes";
  EXPECT_EQ(CleanText("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 8), "\xe2\x82\xac\xe2\x82\xac") << "never cut within a character";
  EXPECT_EQ(CleanText("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\x8f!", 100), "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\x8f!");
  EXPECT_EQ(CleanText(std::string_view("a\0b", 3), 100), "ab");
}

TEST(WriteWebVttTest, CuesAreSortedClippedAndEscaped) {
  const WebVtt vtt = WriteWebVtt({{5, 7, "second --> <b>&amp;</b>"},
                                  {-1, 2.5, "first\nline"},
                                  {9, 20, "last"},
                                  {10, 11, "behind"},
                                  {3, 3, "no time"},
                                  {-5, -1, "before"},
                                  {4, 5, ""}},
                                 10, 10000);
  EXPECT_EQ(vtt.text,
            "WEBVTT\n\n"
            "00:00:00.000 --> 00:00:02.500\nfirst\nline\n\n"
            "00:00:05.000 --> 00:00:07.000\nsecond --&gt; &lt;b&gt;&amp;amp;&lt;/b&gt;\n\n"
            "00:00:09.000 --> 00:00:10.000\nlast\n");
  EXPECT_EQ(vtt.cues, 3);
  EXPECT_FALSE(vtt.cut);
  EXPECT_EQ(WriteWebVtt({}, 10, 100).text, "WEBVTT\n");
}

TEST(WriteWebVttTest, LayersThatSayTheSameAreOneCue) {
  EXPECT_EQ(WriteWebVtt({{1, 2, "a"}, {1, 2, "b"}, {1, 2, "a"}, {1, 3, "a"}, {2, 3, "a"}}, 10, 10000).cues, 4);
}

TEST(WriteWebVttTest, StopsAtItsSize) {
  const WebVtt vtt = WriteWebVtt({{1, 2, std::string(60, 'a')}, {3, 4, std::string(60, 'b')}}, 10, 150);
  EXPECT_EQ(vtt.cues, 1);
  EXPECT_TRUE(vtt.cut);
  EXPECT_LE(vtt.text.size(), 150U);
  EXPECT_EQ(WriteWebVtt({{36000, 36001, "x"}}, 40000, 1000).text, "WEBVTT\n\n10:00:00.000 --> 10:00:01.000\nx\n");
}

}  // namespace
}  // namespace vora::media
