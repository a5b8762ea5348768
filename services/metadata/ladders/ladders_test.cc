#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "libs/ladder/ladder.h"
#include "libs/testing/status_matchers.h"
#include "services/metadata/harness_test.h"
#include "vora/metadata/v1/ladders.grpc.pb.h"

namespace vora::metadata {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

media::v1::Ladder Small(const std::string& name, int height = 360) {
  media::v1::Ladder ladder;
  ladder.set_name(name);
  auto* rung = ladder.add_rungs();
  rung->set_height(height);
  rung->set_max_bitrate(800'000);
  ladder::FillDefaults(ladder);
  return ladder;
}

std::string Names(LadderRepo& ladders, const std::string& tenant) {
  std::string names;
  const auto list = ladders.List(tenant);
  EXPECT_THAT(list, IsOk());
  for (const auto& stored : *list) {
    names += stored.ladder().name() + (stored.is_default() ? "* " : " ");
  }
  return names;
}

TEST(LadderRepoTest, AChangeIsANewVersionAndTheSameAgainIsNone) {
  Repos repos;
  auto put = repos.ladders.Put("acme", Small("web"));
  ASSERT_THAT(put, IsOk());
  EXPECT_TRUE(put->created);
  EXPECT_EQ(put->ladder.ladder().version(), 1);
  EXPECT_EQ(put->ladder.origin(), v1::LADDER_ORIGIN_OWN);
  put = repos.ladders.Put("acme", Small("web"));
  ASSERT_THAT(put, IsOk());
  EXPECT_FALSE(put->created);
  EXPECT_EQ(put->ladder.ladder().version(), 1);
  put = repos.ladders.Put("acme", Small("web", 480));
  ASSERT_THAT(put, IsOk());
  EXPECT_EQ(put->ladder.ladder().version(), 2);
  EXPECT_EQ(repos.ladders.Get("acme", "web", 1)->ladder().rungs(0).height(), 360);
  EXPECT_EQ(repos.ladders.Get("acme", "web", 0)->ladder().rungs(0).height(), 480);
  EXPECT_THAT(repos.ladders.Get("acme", "web", 3), StatusIs(StatusCode::kNotFound));
  // Another tenant neither sees nor names it.
  EXPECT_THAT(repos.ladders.Get("other", "web", 0), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(repos.ladders.Delete("other", "web"), StatusIs(StatusCode::kNotFound));
  // Who changes what another one has changed since is told.
  media::v1::Ladder stale = Small("web", 720);
  stale.set_version(1);
  EXPECT_THAT(repos.ladders.Put("acme", stale), StatusIs(StatusCode::kFailedPrecondition));
  // Numbers go on: a version is one recipe for ever.
  EXPECT_THAT(repos.ladders.Delete("acme", "web"), IsOk());
  EXPECT_THAT(repos.ladders.Get("acme", "web", 0), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(repos.ladders.Put("acme", Small("web"))->ladder.ladder().version(), 3);
}

TEST(LadderRepoTest, EveryTenantHasADefaultAndMayChooseIts) {
  Repos repos;
  EXPECT_EQ(Names(repos.ladders, "acme"), "4k archive audio-only default* hd mobile ");
  EXPECT_THAT(repos.ladders.SetDefault("acme", "hd"), IsOk());
  EXPECT_EQ(Names(repos.ladders, "acme"), "4k archive audio-only default hd* mobile ");
  EXPECT_EQ(Names(repos.ladders, "other"), "4k archive audio-only default* hd mobile ");
  ASSERT_THAT(repos.ladders.Put("acme", Small("web")), IsOk());
  EXPECT_THAT(repos.ladders.SetDefault("acme", "web"), IsOk());
  EXPECT_THAT(repos.ladders.Delete("acme", "web"), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(repos.ladders.SetDefault("acme", "nothing"), StatusIs(StatusCode::kNotFound));
  // The videos of each.
  NewVideo video = SomeVideo("u1");
  EXPECT_EQ(repos.videos.Create(video)->video.ladder(), "default");
  video = SomeVideo("u2");
  video.tenant = "acme";
  EXPECT_EQ(repos.videos.Create(video)->video.ladder(), "web");
}

TEST(LadderRepoTest, WhatIsShippedAndConfiguredStaysWhatItIs) {
  Repos repos;
  EXPECT_THAT(repos.ladders.Put("acme", Small("hd")), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(repos.ladders.Delete("default", "hd"), StatusIs(StatusCode::kFailedPrecondition));
  // The installation's own: offered to all, their default from now on, and changed where it is configured.
  EXPECT_THAT(repos.ladders.Install(ladder::ShippedLadders(), Small("house")), IsOk());
  EXPECT_EQ(Names(repos.ladders, "acme"), "4k archive audio-only default hd house* mobile ");
  EXPECT_EQ(repos.ladders.Get("acme", "house", 0)->origin(), v1::LADDER_ORIGIN_INSTALLATION);
  EXPECT_THAT(repos.ladders.Put("default", Small("house", 480)), StatusIs(StatusCode::kFailedPrecondition));
  // What was chosen since is not undone by a restart, but a change of the setting is obeyed.
  EXPECT_THAT(repos.ladders.SetDefault("default", "hd"), IsOk());
  EXPECT_THAT(repos.ladders.Install(ladder::ShippedLadders(), Small("house")), IsOk());
  EXPECT_EQ(Names(repos.ladders, "default"), "4k archive audio-only default hd* house mobile ");
  EXPECT_THAT(repos.ladders.Install(ladder::ShippedLadders(), Small("house", 480)), IsOk());
  EXPECT_EQ(Names(repos.ladders, "default"), "4k archive audio-only default hd house* mobile ");
  EXPECT_EQ(repos.ladders.Get("acme", "house", 0)->ladder().version(), 2);
  // Without the setting the shipped one is the default again.
  EXPECT_THAT(repos.ladders.Install(ladder::ShippedLadders(), std::nullopt), IsOk());
  EXPECT_EQ(Names(repos.ladders, "default"), "4k archive audio-only default* hd house mobile ");
  // A tenant's own ladder of a name that the installation has goes before it.
  EXPECT_THAT(repos.ladders.Put("acme", Small("house", 240)), IsOk());
  EXPECT_EQ(repos.ladders.Get("acme", "house", 0)->ladder().rungs(0).height(), 240);
  EXPECT_EQ(repos.ladders.Get("other", "house", 0)->ladder().rungs(0).height(), 480);
}

TEST(LadderRepoTest, AVideoKeepsTheVersionItBeganWith) {
  Repos repos;
  ASSERT_THAT(repos.ladders.Put("default", Small("web")), IsOk());
  NewVideo video = SomeVideo("u1");
  video.ladder = "web";
  const auto created = repos.videos.Create(video);
  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->video.ladder(), "web");
  EXPECT_EQ(created->video.ladder_version(), 1);
  ASSERT_THAT(repos.ladders.Put("default", Small("web", 480)), IsOk());
  EXPECT_EQ(repos.videos.Get("default", created->video.video_id())->ladder_version(), 1);
  EXPECT_THAT(repos.ladders.Delete("default", "web"), IsOk());
  EXPECT_EQ(repos.videos.Get("default", created->video.video_id())->ladder(), "web");
  // Asked for again as something else.
  video.ladder = "hd";
  EXPECT_THAT(repos.videos.Create(video), StatusIs(StatusCode::kFailedPrecondition));
  // One that is not there: refused where there is somebody to tell, and else a warning, since the upload is acknowledged.
  video = SomeVideo("u2");
  video.ladder = "web";
  EXPECT_THAT(repos.videos.Create(video), StatusIs(StatusCode::kInvalidArgument));
  video.else_default = true;
  const auto warned = repos.videos.Create(video);
  ASSERT_THAT(warned, IsOk());
  EXPECT_EQ(warned->video.ladder(), "default");
  EXPECT_THAT(warned->video.warnings(), ElementsAre(HasSubstr("there is no ladder \"web\"; encoded with the default")));
}

TEST(LadderRestTest, IsPutShownMadeTheDefaultAndDeleted) {
  TestApp app({});
  const std::string body = R"({"description":"For the web","rungs":[{"height":360,"max_bitrate":800000}]})";
  auto answer = app.Call("PUT", "/v1/ladders/web", body);
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(answer.headers.GetOr("Location", ""), "/v1/ladders/web");
  Json web = Json::parse(answer.body);
  EXPECT_EQ(web["rungs"][0]["name"], "360p");
  EXPECT_EQ(web["origin"], "OWN");
  EXPECT_EQ(web["version"], 1);
  // What is answered may be sent back, changed.
  web["rungs"][0]["height"] = 480;
  web["rungs"][0]["name"] = "480p";
  answer = app.Call("PUT", "/v1/ladders/web", web.dump());
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Json::parse(answer.body)["version"], 2);
  answer = app.Call("PUT", "/v1/ladders/web", web.dump());
  EXPECT_EQ(answer.status, 409) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr("it is at version 2 by now"));
  EXPECT_EQ(Json::parse(app.Call("GET", "/v1/ladders/web?version=1").body)["rungs"][0]["height"], 360);
  answer = app.Call("POST", "/v1/ladders/web:default");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Json::parse(answer.body)["is_default"], true);
  EXPECT_EQ(app.Call("DELETE", "/v1/ladders/web").status, 409);
  EXPECT_EQ(app.Call("POST", "/v1/ladders/default:default").status, 200);
  EXPECT_EQ(app.Call("DELETE", "/v1/ladders/web").status, 204);
  EXPECT_EQ(app.Call("GET", "/v1/ladders/web").status, 404);
}

TEST(LadderRestTest, MistakesNameTheFieldAndTheLimit) {
  TestApp app({});
  const auto expect = [&](const std::string& body, const std::string& field, const std::string& text) {
    const auto answer = app.Call("PUT", "/v1/ladders/web", body);
    EXPECT_EQ(answer.status, 400) << answer.body;
    const Json error = Json::parse(answer.body)["error"];
    EXPECT_EQ(error["field"], field) << answer.body;
    EXPECT_THAT(error["message"].get<std::string>(), HasSubstr(text));
  };
  expect(R"({"rungs":[{"height":360,"max_bitrate":800000},{"height":"tall"}]})", "rungs[1].height", "must be a whole number");
  expect(R"({"rungs":[{"height":360}]})", "rungs[0].max_bitrate", "must be 50000 to 200000000, not 0");
  expect(R"({"rungs":[{"height":360,"max_bitrate":800000,"colour":"red"}]})", "rungs[0].colour", "unknown field");
  expect(R"({"rungs":{}})", "rungs", "must be a list of objects");
  expect(R"({"rungs":[4]})", "rungs[0]", "must be an object");
  expect(R"({"audio":{"channels":6}})", "audio.channels", "must be 1 to 2");
  expect(R"({"name":"other"})", "name", "must be that of the address");
  expect(R"({"segment_seconds":60})", "segment_seconds", "must be 1 to 10");
  expect(R"({"description":)" + std::string(500'000, '[') + std::string(500'000, ']') + "}", "description", "must be a string");
  for (const char* name : {"%FF", "My%20ladder", "a%27b"})
    EXPECT_EQ(app.Call("GET", std::string("/v1/ladders/") + name).status, 404) << name;
  const auto named = app.Call("PUT", "/v1/ladders/My%20ladder", "{}");
  EXPECT_EQ(named.status, 400) << named.body;
  EXPECT_EQ(Json::parse(named.body)["error"]["field"], "name");
}

TEST(LadderRestTest, PreviewsWhatASourceWouldBecome) {
  TestApp app({});
  const auto preview = [&](const std::string& body) { return app.Call("POST", "/v1/ladders:preview", body); };
  auto answer = preview(R"({"name":"4k","source":{"width":1920,"height":1080,"duration_seconds":60}})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  Json shown = Json::parse(answer.body);
  EXPECT_THAT(shown["left_out"].get<std::vector<std::string>>(), ElementsAre("1440p", "2160p"));
  EXPECT_EQ(shown["tracks"].size(), 4u);
  EXPECT_EQ(shown["tracks"][2]["width"], 1920);
  EXPECT_EQ(shown["tracks"][2]["max_bytes"], 6'000'000 / 8 * 60);
  EXPECT_EQ(shown["tracks"][3]["kind"], "audio");
  // Before it is put, with what no device plays.
  answer = preview(R"({"ladder":{"rungs":[{"height":4320,"max_bitrate":80000000}]},"source":{"width":7680,"height":4320,"silent":true}})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  shown = Json::parse(answer.body);
  EXPECT_EQ(shown["tracks"].size(), 1u);
  EXPECT_THAT(shown["warnings"][0].get<std::string>(), HasSubstr("4320p: no phone or television"));
  answer = preview(R"({"name":"audio-only","source":{"width":640,"height":360,"silent":true}})");
  EXPECT_EQ(answer.status, 409) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr("the file has no sound"));
  for (const auto& [bad, field] :
       {std::pair{R"({"name":"hd"})", "source"},
        {R"({"source":{"width":640,"height":360}})", "ladder"},
        {R"({"name":"hd","source":{"width":8,"height":360}})", "source.width"},
        {R"({"name":"hd","source":{"width":640,"height":360,"frame_rate":1000}})", "source.frame_rate"},
        {R"({"ladder":{"rungs":[{"height":1}]},"source":{"width":640,"height":360}})", "ladder.rungs[0].height"}}) {
    const auto refused = preview(bad);
    EXPECT_EQ(refused.status, 400) << refused.body;
    EXPECT_EQ(Json::parse(refused.body)["error"]["field"], field) << refused.body;
  }
  EXPECT_EQ(preview(R"({"name":"nothing","source":{"width":640,"height":360}})").status, 404);
  // Of a video: not before it is probed.
  ASSERT_THAT(app.Announce(FinishedUpload("u1")), IsOk());
  const std::string id = Json::parse(app.Call("GET", "/v1/videos").body)["videos"][0]["video_id"];
  EXPECT_THAT(preview(R"({"name":"hd","video_id":")" + id + "\"}").body, HasSubstr("not looked at yet"));
}

TEST(LadderRestTest, AnUploadAndARequestChoose) {
  TestApp app({});
  upload::v1::Upload upload = FinishedUpload("u1");
  (*upload.mutable_metadata())["ladder"] = "mobile";
  ASSERT_THAT(app.Announce(upload), IsOk());
  upload = FinishedUpload("u2");
  (*upload.mutable_metadata())["ladder"] = "no such";
  ASSERT_THAT(app.Announce(upload), IsOk());
  const Json videos = Json::parse(app.Call("GET", "/v1/videos").body)["videos"];
  EXPECT_EQ(videos[1]["ladder"], "mobile");
  EXPECT_EQ(videos[0]["ladder"], "default");
  EXPECT_THAT(videos[0]["warnings"][0].get<std::string>(), HasSubstr("no such"));
  const auto refused = app.Call("POST", "/v1/videos", R"({"source":{"url":"https://93.184.216.34/a.mp4"},"ladder":"no such"})");
  EXPECT_EQ(refused.status, 400) << refused.body;
  EXPECT_EQ(Json::parse(refused.body)["error"]["field"], "ladder");
  const auto imported = app.Call("POST", "/v1/videos", R"({"source":{"url":"https://93.184.216.34/a.mp4"},"ladder":"hd"})");
  EXPECT_EQ(imported.status, 201) << imported.body;
  EXPECT_EQ(Json::parse(imported.body)["ladder"], "hd");
}

TEST(LadderGrpcTest, SaysTheSame) {
  TestApp app({});
  const auto stub = v1::LadderService::NewStub(app.channel());
  v1::PutLadderRequest put;
  *put.mutable_ladder() = Small("web");
  v1::StoredLadder stored;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->PutLadder(&context, put, &stored).ok());
  }
  EXPECT_EQ(stored.ladder().version(), 1);
  {
    grpc::ClientContext context;
    put.mutable_ladder()->mutable_rungs(0)->set_height(1);
    const grpc::Status refused = stub->PutLadder(&context, put, &stored);
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(refused.error_message(), HasSubstr("rungs[0].height: must be 64 to 4320"));
  }
  {
    grpc::ClientContext context;
    v1::SetDefaultLadderRequest request;
    request.set_name("web");
    ASSERT_TRUE(stub->SetDefaultLadder(&context, request, &stored).ok());
    EXPECT_TRUE(stored.is_default());
  }
  {
    grpc::ClientContext context;
    v1::ListLaddersResponse list;
    ASSERT_TRUE(stub->ListLadders(&context, {}, &list).ok());
    EXPECT_EQ(list.ladders_size(), 7);
  }
  {
    grpc::ClientContext context;
    v1::PreviewLadderRequest request;
    request.set_name("web");
    request.mutable_source()->set_width(1280);
    request.mutable_source()->set_height(720);
    v1::LadderPreview preview;
    ASSERT_TRUE(stub->PreviewLadder(&context, request, &preview).ok());
    EXPECT_EQ(preview.tracks_size(), 2);
  }
}

}  // namespace
}  // namespace vora::metadata
