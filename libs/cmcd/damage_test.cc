// Random damage: whatever arrives, the parser answers. Run under the sanitizers it also proves that it stays within its input.

#include <gtest/gtest.h>

#include <random>

#include "libs/cmcd/cmcd.h"
#include "libs/testing/status_matchers.h"

namespace vora::cmcd {
namespace {

constexpr const char* kSeeds[] = {
    R"(bl=21300,br=3200,bs,cid="faec",com.example-myKey="any \"x\", y",d=4004,nor="..%2F300",ot=v,pr=1.08,sid="6e2f",su,tb=6000)",
    R"(br=(3200 5000;v),bs=?0,e=rr,ec=("404" "x"),nor=("a.m4s";r="0-9" "b.m4s"),pt=61500,ts=1700000000123,url="https://c/",v=2)",
    R"(x-a=:AQ==:,x-b=@17,x-c=%"z%c3%bc",x-d=?1;p=2,x-e=(),x-f)",
};
constexpr std::string_view kBytes = "(),;=\"\\?:@%-.*0123456789 \t\n\rabrsvtpZ\x7f\xff";

TEST(CmcdDamage, AnyInputIsAnswered) {
  std::mt19937 random(20240501);
  const auto below = [&](size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random); };
  int refused = 0;
  for (int round = 0; round < 60'000; ++round) {
    std::string text = kSeeds[below(std::size(kSeeds))];
    for (size_t step = 1 + below(4); step > 0; --step) {
      const size_t at = below(text.size() + 1);
      switch (below(5)) {
        case 0:
          text.insert(at, 1, kBytes[below(kBytes.size())]);
          break;
        case 1:
          text.erase(at, 1 + below(3));
          break;
        case 2:
          text.resize(at);
          break;
        case 3:
          if (at < text.size()) text[at] = static_cast<char>(below(256));
          break;
        default:
          text += std::string(",") + kSeeds[below(std::size(kSeeds))];
      }
    }
    // A copy of exactly its size on the heap, so that a byte too far is noticed.
    const std::vector<char> exact(text.begin(), text.end());
    const auto parsed = Parse({exact.data(), exact.size()});
    if (parsed.ok()) continue;
    ++refused;
    ASSERT_THAT(parsed, StatusIs(StatusCode::kInvalidArgument));
    ASSERT_FALSE(parsed.status().message().empty());
  }
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace vora::cmcd
