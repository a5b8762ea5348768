#include "libs/storage/base/key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "libs/storage/local/local_path.h"

namespace vora::storage {
namespace {

TEST(Key, Table) {
  struct Case {
    std::string key;
    bool valid;
  };
  const Case kCases[] = {
      {"a", true},
      {"raw/0190/original", true},
      {"a b+c%20?&=#'\"\\<>@^~", true},
      {".tmp/x", true},
      {"...", true},
      {"\xC3\xA4/\xF0\x9F\x8E\xAC", true},
      {std::string(1024, 'k'), true},
      {"", false},
      {std::string(1025, 'k'), false},
      {"/", false},
      {"/a", false},
      {"a/", false},
      {"a//b", false},
      {".", false},
      {"..", false},
      {"../a", false},
      {"a/..", false},
      {"a/./b", false},
      {"a/../../etc/passwd", false},
      {std::string("a\0b", 3), false},
      {"a\nb", false},
      {"a\x1F", false},
      {"a\x7F", false},
      {"\xFF", false},
      {"\xC0\xAE", false},            // overlong '.'
      {"\xC0\xAE\xC0\xAE/x", false},  // overlong '..'
      {"\xE0\x80\xAF", false},        // overlong '/'
      {"\xED\xA0\x80", false},        // surrogate
      {"\xF4\x90\x80\x80", false},    // above U+10FFFF
      {"\xE2\x82", false},            // cut off
      {"\x80", false},
      {"\xF8\x88\x80\x80\x80", false},
  };
  for (const Case& c : kCases) {
    Status status = ValidateKey(c.key);
    EXPECT_EQ(status.ok(), c.valid) << c.key << ": " << ToText(status);
    EXPECT_EQ(status.code(), c.valid ? StatusCode::kOk : StatusCode::kInvalidArgument);
  }
}

// The rule is ours: S3 makes an object of part 2 alone.
TEST(Key, PartsCountFromOne) {
  const CompletedPart one{1, "a"}, two{2, "b"};
  EXPECT_TRUE(ValidatePartList({one, two}).ok());
  for (const auto& parts : std::vector<std::vector<CompletedPart>>{{}, {two}, {two, one}, {one, one}, {one, {2, ""}}}) {
    EXPECT_EQ(ValidatePartList(parts).code(), StatusCode::kInvalidArgument);
  }
}

// Splits `path` and follows it back to the key, as a listing does.
std::string FromLocalPath(const LocalPath& path) {
  std::string key, rest = path.folder == "." ? "" : path.folder + "/";
  while (!rest.empty()) {
    std::string component = rest.substr(0, rest.find('/'));
    rest.erase(0, component.size() + 1);
    auto fragment = ToKeyFragment(component);
    if (!fragment || fragment->is_object) return "not a folder: " + component;
    key += fragment->text;
  }
  auto name = ToKeyFragment(path.name);
  if (!name || !name->is_object) return "not an object: " + path.name;
  return key + name->text;
}

TEST(LocalPath, Examples) {
  EXPECT_EQ(ToLocalPath("raw/0190/original").folder, "raw/0190");
  EXPECT_EQ(ToLocalPath("raw/0190/original").name, "original@");
  EXPECT_EQ(ToLocalPath("a").folder, ".");
  EXPECT_EQ(ToLocalPath(".tmp/x").folder, ".tmp^");
  EXPECT_EQ(ToLocalPath("a@/x").folder, "a@^");
  EXPECT_EQ(ToLocalPath(std::string(450, 'x')).folder, std::string(200, 'x') + "~/" + std::string(200, 'x') + "~");
  EXPECT_EQ(ToLocalPath(std::string(450, 'x')).name, std::string(50, 'x') + "@");
}

// Random valid keys of the nastiest characters: no component is too long or leaves its folder, and every path leads back to its key.
TEST(LocalPath, RandomKeysComeBack) {
  std::mt19937 random(20261120);
  const std::string kAlphabet = "a@^~./.-\xC3\xA4 +b";
  int valid = 0;
  for (int i = 0; i < 200'000; ++i) {
    size_t length = i % 50 == 0 ? 180 + random() % 800 : 1 + random() % 12;
    std::string key;
    for (size_t n = 0; n < length; ++n) key += kAlphabet[random() % kAlphabet.size()];
    if (i % 50 == 0) key.erase(std::remove(key.begin(), key.end(), '/'), key.end());
    if (!ValidateKey(key).ok()) continue;
    ++valid;
    LocalPath path = ToLocalPath(key);
    ASSERT_EQ(FromLocalPath(path), key);
    std::string all = path.folder + "/" + path.name + "/";
    for (size_t begin = 0; begin < all.size();) {
      size_t end = all.find('/', begin);
      std::string component = all.substr(begin, end - begin);
      ASSERT_LE(component.size(), 255U);
      ASSERT_NE(component, "..");
      ASSERT_TRUE(component != ".tmp" && component != ".locks" && component != ".multipart") << key;
      begin = end + 1;
    }
  }
  EXPECT_GT(valid, 10'000);
}

TEST(LocalPath, ForeignEntriesAreNoKeys) {
  for (const char* entry : {"", ".", "..", ".tmp", ".locks", ".multipart", "short~", "plain^"}) {
    EXPECT_FALSE(ToKeyFragment(entry).has_value()) << entry;
  }
}

}  // namespace
}  // namespace vora::storage
