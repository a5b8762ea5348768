#include "libs/http/server/refusals_internal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace vora::http {
namespace {

TEST(Refusals, AFloodIsCountedButHardlyLogged) {
  obs::Metrics metrics;
  Refusals refusals(metrics);
  ::testing::internal::CaptureStderr();
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 5000; ++i) refusals.Count(Reason::kClientRequests, "203.0.113.5");
  refusals.Count(Reason::kHeaderTimeout, "");
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began).count();
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(metrics.Expose(), ::testing::HasSubstr("vora_http_refused_total{reason=\"client_requests\"} 5000\n"));
  EXPECT_THAT(metrics.Expose(), ::testing::HasSubstr("vora_http_refused_total{reason=\"header_timeout\"} 1\n"));
  EXPECT_LE(std::count(log.begin(), log.end(), '\n'), 2 + seconds) << log;
  EXPECT_THAT(log, ::testing::HasSubstr("\"client\":\"203.0.113.5\""));
  EXPECT_THAT(log, ::testing::HasSubstr("\"reason\":\"header_timeout\"")) << "each reason is told for itself";
}

}  // namespace
}  // namespace vora::http
