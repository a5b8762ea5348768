#include "services/cli/api_client.h"

#include <gtest/gtest.h>

#include "libs/http/server/server.h"
#include "libs/testing/status_matchers.h"

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

TEST(ApiClientTest, WatchingEndsWhenTheVideoIsDeleted) {
  obs::Metrics metrics;
  http::Server server({}, metrics);
  server.RouteSimple("GET", "/v1/videos/v/events", [](const http::Request&, const std::string&) {
    return http::Response::Text(200, "event: video\ndata: {\"video_id\":\"v\"}\n\nevent: deleted\ndata: {\"video_id\":\"v\"}\n\n");
  });
  ASSERT_THAT(server.Start(), IsOk());
  ApiClient client("http://127.0.0.1:" + std::to_string(server.port()), "");
  int shown = 0;
  const Status watched = client.Watch(
      "v", [&](const nlohmann::json&) { return ++shown < 10; }, nullptr);
  EXPECT_THAT(watched, StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(shown, 1);
}

}  // namespace
}  // namespace vora::cli
