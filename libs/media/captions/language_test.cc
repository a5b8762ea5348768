#include "libs/media/captions/language.h"

#include <gtest/gtest.h>

namespace vora::media {
namespace {

TEST(LanguageTest, CodesBecomeTheShortestTag) {
  EXPECT_EQ(LanguageTag("eng"), "en");
  EXPECT_EQ(LanguageTag("deu"), "de");
  EXPECT_EQ(LanguageTag("ger"), "de");
  EXPECT_EQ(LanguageTag("GER"), "de");
  EXPECT_EQ(LanguageTag("chi"), "zh");
  EXPECT_EQ(LanguageTag("heb"), "he");
  EXPECT_EQ(LanguageTag("fil"), "fil") << "has no shorter one";
  EXPECT_EQ(LanguageTag("pt_br"), "pt-BR");
  EXPECT_EQ(LanguageTag("ZH-hant-tw"), "zh-Hant-TW");
  EXPECT_EQ(LanguageTag("es-419"), "es-419");
}

TEST(LanguageTest, AnythingElseIsUndetermined) {
  for (const char* text : {"", "und", "mul", "zxx", "qaa", "english", "e", "e1", "../..", "en/", "\xc3\xa9n", "-en"}) {
    EXPECT_EQ(LanguageTag(text), "und") << text;
  }
  EXPECT_EQ(LanguageTag("en-"), "en");
  EXPECT_EQ(LanguageTag("en-\"><"), "en");
  EXPECT_EQ(LanguageTag("en-aaaaaaaa-bbbbbbbb-cccccccc"), "en-aaaaaaaa-bbbbbbbb");
}

TEST(LanguageTest, NamesAreTheLanguagesOwn) {
  EXPECT_EQ(LanguageName("de"), "Deutsch");
  EXPECT_EQ(LanguageName("ar"), "\xd8\xa7\xd9\x84\xd8\xb9\xd8\xb1\xd8\xa8\xd9\x8a\xd8\xa9");
  EXPECT_EQ(LanguageName("pt-BR").substr(0, 4), "Port");
  EXPECT_EQ(LanguageName("fil"), "fil");
  EXPECT_EQ(LanguageName("und"), "");
}

}  // namespace
}  // namespace vora::media
