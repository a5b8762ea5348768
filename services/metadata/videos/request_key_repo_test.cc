#include "services/metadata/videos/request_key_repo.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "libs/core/error.h"
#include "libs/testing/status_matchers.h"
#include "services/metadata/harness_test.h"

namespace vora::metadata {
namespace {

TEST(RequestKeyRepoTest, OneOfManyCarriesItOutAndTheOthersAreToldToWait) {
  Repos repos;
  RequestKeyRepo keys(repos.store);
  const KeyedRequest request{"default", "k", "f"};
  std::atomic<int> begun{0}, told{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto known = keys.Begin(request);
      if (known.ok() && !known->has_value()) ++begun;
      if (DetailOf(known.status()).reason == errors::kRequestInProgress.reason) ++told;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(begun, 1);
  EXPECT_EQ(told, 7);
  ASSERT_THAT(keys.End(request, {201, {{"Location", "/x"}}, "{}"}), IsOk());
  const auto known = keys.Begin(request);
  ASSERT_THAT(known, IsOk());
  ASSERT_TRUE(known->has_value());
  EXPECT_EQ((*known)->status, 201);
  EXPECT_EQ((*known)->headers.at("Location"), "/x");
  EXPECT_EQ(DetailOf(keys.Begin({"default", "k", "other"}).status()).reason, errors::kIdempotencyKeyReused.reason);
  EXPECT_THAT(keys.Begin({"tenant", "k", "other"}), IsOk()) << "each tenant has its own";
}

TEST(RequestKeyRepoTest, OneWhoseReplicaDiedBeginsAnew) {
  Repos repos;
  RequestKeyRepo keys(repos.store, std::chrono::milliseconds(0));
  const KeyedRequest request{"default", "k", "f"};
  ASSERT_FALSE(keys.Begin(request)->has_value());
  EXPECT_FALSE(keys.Begin(request)->has_value());
  ASSERT_THAT(keys.Forget(request), IsOk());
  EXPECT_FALSE(keys.Begin({"default", "k", "other"})->has_value()) << "what came to nothing leaves the key free";
}

TEST(RequestKeyRepoTest, AnswersAreForgottenInTheEnd) {
  Repos repos;
  RequestKeyRepo keys(repos.store);
  const KeyedRequest request{"default", "k", "f"};
  ASSERT_FALSE(keys.Begin(request)->has_value());
  ASSERT_THAT(keys.End(request, {200, {}, ""}), IsOk());
  ASSERT_THAT(keys.Purge(std::chrono::hours(24)), IsOk());
  EXPECT_TRUE(keys.Begin(request)->has_value());
  ASSERT_THAT(keys.Purge(std::chrono::hours(0)), IsOk());
  EXPECT_FALSE(keys.Begin(request)->has_value());
}

}  // namespace
}  // namespace vora::metadata
