#include "services/cli/api_client.h"

#include <gtest/gtest.h>

namespace vora::cli {
namespace {

Status Answered(int http_status) {
  http::ClientResponse response;
  response.status = http_status;
  return StatusFromResponse(response);
}

TEST(ApiClientTest, WhatPassesIsTriedAgainAndNothingElse) {
  for (const int passing : {408, 429, 502, 503, 504}) EXPECT_TRUE(IsTransient(Answered(passing))) << passing;
  for (const int final : {400, 401, 403, 404, 409, 410, 413, 500}) EXPECT_FALSE(IsTransient(Answered(final))) << final;
}

}  // namespace
}  // namespace vora::cli
