// Who may do what, and that tenants do not see each other.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <nlohmann/json.hpp>

#include "libs/auth/testing/test_tokens.h"
#include "libs/rpc/client.h"
#include "libs/rpc/testing/every_method.h"
#include "libs/testing/status_matchers.h"
#include "services/metadata/harness_test.h"
#include "vora/analytics/v1/queries.grpc.pb.h"
#include "vora/metadata/v1/fleet.grpc.pb.h"
#include "vora/metadata/v1/metadata.grpc.pb.h"
#include "vora/playback/v1/playback.grpc.pb.h"
#include "vora/upload/v1/upload.grpc.pb.h"

namespace vora::metadata {
namespace {

using auth::TestTokens;
using nlohmann::json;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

class MetadataAuthTest : public ::testing::Test {
 protected:
  MetadataAuthTest() : app_({}, Authorization(tokens_.authenticator())) {}

  TestApp::Answer Call(const std::string& method, const std::string& path, const std::string& authorization, const std::string& body = "") {
    http::Headers headers;
    if (!authorization.empty()) headers.Set("Authorization", authorization);
    return app_.Call(method, path, body, headers);
  }
  // The id of a new video of `tenant`.
  std::string Announce(const std::string& upload_id, const std::string& tenant) {
    upload::v1::UploadFinishedRequest request;
    *request.mutable_upload() = FinishedUpload(upload_id);
    request.mutable_upload()->set_tenant(tenant);
    upload::v1::UploadFinishedResponse response;
    grpc::ClientContext context;
    context.AddMetadata("authorization", tokens_.Fleet());
    const auto status = upload::v1::UploadListener::NewStub(app_.channel())->UploadFinished(&context, request, &response);
    EXPECT_THAT(status, IsOk());
    const auto page = json::parse(Call("GET", "/v1/videos", TestTokens::Bearer(tenant, "read")).body);
    return page.at("videos").at(0).at("video_id");
  }

  TestTokens tokens_;
  TestApp app_;
};

TEST_F(MetadataAuthTest, EveryMethodOfEveryServiceAsksWhoCalls) {
  for (const char* service : {"vora.metadata.v1.VideoService", "vora.metadata.v1.EventService", "vora.metadata.v1.FleetService",
                              "vora.playback.v1.PlaybackService", "vora.upload.v1.UploadListener", "vora.analytics.v1.AnalyticsQueries"}) {
    const auto nobody = rpc::testing::CallEveryMethod(app_.channel(), service);
    EXPECT_THAT(nobody, Not(IsEmpty())) << service;
    EXPECT_THAT(nobody, Each(Pair(::testing::_, grpc::StatusCode::UNAUTHENTICATED))) << service;
    const auto uploader = rpc::testing::CallEveryMethod(app_.channel(), service, TestTokens::Bearer("acme", "upload"));
    EXPECT_THAT(uploader, Each(Pair(::testing::_, grpc::StatusCode::PERMISSION_DENIED))) << service;
  }
}

TEST_F(MetadataAuthTest, RoutesAskForTheirScopes) {
  const std::string id(32, 'a');
  const std::pair<std::string, std::string> table[] = {
      {"GET /v1/videos", "read"},
      {"GET /v1/videos/" + id, "read"},
      {"GET /v1/videos/" + id + "/events", "read"},
      {"GET /v1/ladders", "read"},
      {"GET /v1/analytics", "read"},
      {"PATCH /v1/videos/" + id, "write"},
      {"DELETE /v1/videos/" + id, "write"},
      {"POST /v1/videos/" + id + "/retry", "write"},
      {"POST /v1/videos/" + id + "/pause", "write"},
      {"POST /v1/videos/" + id + "/resume", "write"},
      {"POST /v1/videos/" + id + "/retry-now", "write"},
      {"POST /v1/videos/" + id + "/priority", "write"},
      {"GET /v1/queues", "operate"},
      {"PATCH /v1/queues/q", "operate"},
      {"DELETE /v1/tenants/t", "operate"},
      {"GET /v1/videos/" + id + "/history", "operate"},
      {"GET /v1/fleet", "operate"},
      {"DELETE /v1/viewers/bob", "operate"},
      {"GET /v1/webhooks", "operate"},
  };
  for (const auto& [route, scope] : table) {
    const std::string method = route.substr(0, route.find(' ')), path = route.substr(route.find(' ') + 1);
    const auto nobody = Call(method, path, "");
    EXPECT_EQ(nobody.status, 401) << route;
    EXPECT_THAT(nobody.headers.GetOr("WWW-Authenticate", ""), HasSubstr("Bearer")) << route;
    EXPECT_EQ(Call(method, path, "Bearer eyJhbGciOiJub25lIn0.e30.").status, 401) << route;
    for (const std::string other : {"upload", "read", "write", "operate"}) {
      const int status = Call(method, path, TestTokens::Bearer("acme", other)).status;
      EXPECT_EQ(status == 403, other != scope) << route << " with " << other << ": " << status;
      EXPECT_NE(status, 401) << route << " with " << other;
    }
    EXPECT_EQ(Call(method, path, tokens_.Fleet()).status, 403) << "daemons have no business here: " << route;
  }
}

TEST_F(MetadataAuthTest, SomeThingsAreForEverybody) {
  EXPECT_EQ(json::parse(Call("GET", "/v1/config", "").body).at("auth"), "jwt");
  EXPECT_EQ(Call("GET", "/openapi.json", "").status, 200);
  const std::string id = Announce("u1", "acme");
  const auto shown = json::parse(Call("GET", "/v1/public/videos/" + id, "").body);
  EXPECT_EQ(shown.at("video_id"), id);
  for (const char* hidden : {"tenant", "upload_id", "filename", "failure"}) EXPECT_EQ(shown.at(hidden), "") << hidden;
}

TEST_F(MetadataAuthTest, TenantsDoNotSeeEachOthersVideos) {
  const std::string mine = Announce("u1", "acme"), theirs = Announce("u2", "other");
  const std::string all = TestTokens::Bearer("acme", "read write operate");
  const auto page = json::parse(Call("GET", "/v1/videos", all).body).at("videos");
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(page.at(0).at("video_id"), mine);
  EXPECT_EQ(Call("GET", "/v1/videos/" + mine, all).status, 200);
  const std::string path = "/v1/videos/" + theirs;
  for (const auto& [method, suffix] : std::vector<std::pair<std::string, std::string>>{{"GET", ""},
                                                                                       {"DELETE", ""},
                                                                                       {"GET", "/events"},
                                                                                       {"GET", "/history"},
                                                                                       {"GET", "/analytics"},
                                                                                       {"GET", "/sessions"},
                                                                                       {"POST", "/cancel"},
                                                                                       {"POST", "/retry"},
                                                                                       {"POST", "/pause"},
                                                                                       {"POST", "/resume"},
                                                                                       {"POST", "/retry-now"},
                                                                                       {"POST", "/playback-tokens"}}) {
    EXPECT_EQ(Call(method, path + suffix, all).status, 404) << method << " " << suffix;
  }
  EXPECT_EQ(Call("PATCH", path, all, R"({"title":"mine now"})").status, 404);
  EXPECT_EQ(Call("POST", path + "/priority", all, R"({"priority":1})").status, 404);
  EXPECT_EQ(Call("GET", path, TestTokens::Bearer("other", "read")).status, 200) << "it is still there for its owner";
  EXPECT_EQ(json::parse(Call("GET", "/v1/ladders", all).body).at("ladders").size(), 6u) << "a tenant without ladders has the shipped ones";
}

TEST_F(MetadataAuthTest, TenantsDoNotHearOfEachOthersChanges) {
  const auto stub = v1::VideoService::NewStub(app_.channel());
  grpc::ClientContext context;
  context.AddMetadata("authorization", TestTokens::Bearer("acme", "read"));
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  const auto watch = stub->WatchVideo(&context, v1::WatchVideoRequest());
  const std::string mine = Announce("u1", "acme");
  const auto rename = [&](const std::string& title) {
    return Call("PATCH", "/v1/videos/" + mine, TestTokens::Bearer("acme", "write"), json{{"title", title}}.dump()).status;
  };
  // Changes until the watch has begun, and hears of one.
  std::atomic<bool> heard{false};
  std::thread changes([&] {
    for (int i = 0; !heard; ++i) EXPECT_EQ(rename("title " + std::to_string(i)), 200);
  });
  v1::Video video;
  const bool began = watch->Read(&video);
  heard = true;
  changes.join();
  ASSERT_TRUE(began);
  const std::string theirs = Announce("u2", "other");
  EXPECT_EQ(Call("DELETE", "/v1/videos/" + theirs, TestTokens::Bearer("other", "write")).status, 204);
  EXPECT_EQ(rename("the last"), 200);
  do {
    EXPECT_EQ(video.video_id(), mine);
  } while (video.title() != "the last" && watch->Read(&video));
  EXPECT_EQ(video.title(), "the last");
  context.TryCancel();
}

}  // namespace
}  // namespace vora::metadata
