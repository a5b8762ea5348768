#include "libs/core/lru_map.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vora {
namespace {

using Map = LruMap<std::string, int>;

Map Of(const std::vector<std::string>& keys) {
  Map map;
  for (const std::string& key : keys) map.Insert(key, static_cast<int>(map.size()));
  return map;
}

// From the least recently used on.
std::string Order(Map& map) {
  std::string order;
  map.Sweep([&](const std::string& key, int) {
    order += key;
    return LruVerdict::kKeep;
  });
  return order;
}

TEST(LruMapTest, UsingMovesAnEntryAndPeekingDoesNot) {
  Map map = Of({"a", "b", "c"});
  EXPECT_EQ(*map.Use("a"), 0);
  EXPECT_EQ(*map.Peek("b"), 1);
  EXPECT_EQ(map.Use("x"), nullptr);
  EXPECT_EQ(map.Peek("x"), nullptr);
  EXPECT_EQ(Order(map), "bca");
}

TEST(LruMapTest, TakesEntriesOut) {
  Map map = Of({"a", "b", "c"});
  EXPECT_EQ(map.Take("b"), 1);
  EXPECT_EQ(map.Take("b"), std::nullopt);
  EXPECT_EQ(map.TakeOldest(), 0);
  EXPECT_EQ(map.TakeOldest(), 2);
  EXPECT_EQ(map.TakeOldest(), std::nullopt);
  EXPECT_EQ(map.size(), 0U);
}

TEST(LruMapTest, SweepsFromTheOldestOn) {
  Map map = Of({"a", "b", "c", "d", "e"});
  map.Sweep([](const std::string& key, int) {
    if (key == "a") return LruVerdict::kDrop;
    if (key == "b") return LruVerdict::kUse;
    if (key == "c") return LruVerdict::kKeep;
    return key == "d" ? LruVerdict::kDrop : LruVerdict::kStop;
  });
  EXPECT_EQ(Order(map), "ceb");
  EXPECT_EQ(map.Peek("a"), nullptr);
}

TEST(LruMapTest, EachEntryIsAskedOnce) {
  Map map = Of({"a", "b", "c"});
  int asked = 0;
  map.Sweep([&](const std::string&, int) {
    ++asked;
    return LruVerdict::kUse;
  });
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(Order(map), "abc");
}

TEST(LruMapTest, HoldsWhatOnlyMoves) {
  LruMap<int, std::unique_ptr<int>> map;
  map.Insert(1, std::make_unique<int>(7));
  EXPECT_EQ(**map.Take(1), 7);
}

}  // namespace
}  // namespace vora
