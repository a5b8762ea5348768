// The REST API over HTTP against the whole daemon and a real PostgreSQL; the orchestrator is away unless a test starts one.

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"
#include "services/metadata/harness_test.h"

namespace vora::metadata {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

void ExpectError(const TestApp::Answer& answer, int status, const std::string& code, const std::string& field, const std::string& part) {
  EXPECT_EQ(answer.status, status) << answer.body;
  const Json json = Json::parse(answer.body, nullptr, false);
  ASSERT_TRUE(json.contains("error")) << answer.body;
  EXPECT_EQ(json["error"]["code"], code);
  EXPECT_EQ(json["error"].value("field", ""), field) << answer.body;
  EXPECT_THAT(json["error"]["message"].get<std::string>(), HasSubstr(part));
}

std::string OnlyVideo(TestApp& app) {
  const Json list = Json::parse(app.Call("GET", "/v1/videos").body);
  return list["videos"].size() == 1 ? list["videos"][0]["video_id"].get<std::string>() : "";
}

TEST(RestTest, FromAnnouncedUploadToDeletion) {
  TestApp app({});
  ASSERT_THAT(app.Announce(FinishedUpload("u1")), IsOk());
  ASSERT_THAT(app.Announce(FinishedUpload("u1")), IsOk()) << "announced at least once";
  const std::string id = OnlyVideo(app);
  ASSERT_EQ(id.size(), 32u) << "two announcements, one video";
  const std::string path = "/v1/videos/" + id;

  const auto got = app.Call("GET", path);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.headers.GetOr("Content-Type", ""), "application/json");
  EXPECT_EQ(got.headers.GetOr("Cache-Control", ""), "no-store") << "the edge must not keep it";
  Json video = Json::parse(got.body);
  EXPECT_EQ(video["state"], "CREATED");
  EXPECT_EQ(video["title"], "holiday");
  EXPECT_EQ(video["filename"], "holiday.mp4");
  EXPECT_EQ(video["source_bytes"], 1000);
  EXPECT_EQ(video["playable"], false);

  video = Json::parse(app.Call("PATCH", path, R"({"title":"New \u00fc","description":"D"})").body);
  EXPECT_EQ(video["title"], "New \xc3\xbc");
  EXPECT_EQ(video["description"], "D");
  EXPECT_EQ(Json::parse(app.Call("POST", path + "/cancel").body)["state"], "CANCELLED");
  ExpectError(app.Call("POST", path + "/cancel"), 409, "FAILED_PRECONDITION", "", "the video is CANCELLED");
  EXPECT_EQ(Json::parse(app.Call("POST", path + "/retry").body)["state"], "PROCESSING");
  ExpectError(app.Call("POST", path + "/retry"), 409, "FAILED_PRECONDITION", "", "nothing to retry");

  EXPECT_EQ(app.Call("DELETE", path).status, 204);
  EXPECT_EQ(app.Call("DELETE", path).status, 204);
  ExpectError(app.Call("GET", path), 404, "NOT_FOUND", "", "no video");
  EXPECT_THAT(app.Announce(FinishedUpload("u1")), IsOk()) << "a late announcement is taken and has no effect";
  EXPECT_EQ(OnlyVideo(app), "");
}

TEST(RestTest, BadRequestsNameFieldAndLimit) {
  TestApp app({});
  ASSERT_THAT(app.Announce(FinishedUpload("u1")), IsOk());
  const std::string path = "/v1/videos/" + OnlyVideo(app);
  ExpectError(app.Call("POST", "/v1/videos", "nonsense"), 400, "INVALID_ARGUMENT", "body", "not valid JSON");
  ExpectError(app.Call("POST", "/v1/videos", "{}"), 400, "INVALID_ARGUMENT", "upload_id", "required");
  ExpectError(app.Call("POST", "/v1/videos", R"({"upload_id":"../x"})"), 400, "INVALID_ARGUMENT", "upload_id", "1 to 128 letters");
  ExpectError(app.Call("POST", "/v1/videos", R"({"upload_id":"x","extra":1})"), 400, "INVALID_ARGUMENT", "extra", "unknown field");
  ExpectError(app.Call("POST", "/v1/videos", std::string((1 << 20) + 1, ' ')), 413, "PAYLOAD_TOO_LARGE", "", "1048576");
  ExpectError(app.Call("POST", "/v1/videos", R"({"upload_id":"x"})"), 503, "UNAVAILABLE", "", "upload daemon");
  ExpectError(app.Call("PATCH", path, R"({"title":7})"), 400, "INVALID_ARGUMENT", "title", "must be a string, got number");
  ExpectError(app.Call("PATCH", path, Json{{"title", std::string(201, 'x')}}.dump()), 400, "INVALID_ARGUMENT", "title", "at most 200");
  ExpectError(app.Call("PATCH", path, Json{{"description", std::string(5001, 'x')}}.dump()), 400, "INVALID_ARGUMENT", "description",
              "at most 5000");
  for (const char* size : {"0", "201", "-1", "x", "9999999999"}) {
    ExpectError(app.Call("GET", std::string("/v1/videos?page_size=") + size), 400, "INVALID_ARGUMENT", "page_size", "1 to 200");
  }
  ExpectError(app.Call("GET", "/v1/videos?state=ready"), 400, "INVALID_ARGUMENT", "state", "must be CREATED");
  ExpectError(app.Call("GET", "/v1/videos?page_token=x"), 400, "INVALID_ARGUMENT", "page_token", "not a token");
  ExpectError(app.Call("GET", "/v1/videos?limit=5"), 400, "INVALID_ARGUMENT", "limit", "unknown query parameter");
  ExpectError(app.Call("GET", "/v1/videos/x"), 404, "NOT_FOUND", "", "no video");
  ExpectError(app.Call("GET", "/v1/videos/%27%3B--"), 404, "NOT_FOUND", "", "no video");
  EXPECT_EQ(app.Call("PUT", path, "{}").status, 405);
  EXPECT_EQ(app.Call("GET", "/v1/nothing").status, 404);
}

TEST(RestTest, ExternalIdsAndLabels) {
  TestApp app({});
  upload::v1::Upload upload = FinishedUpload("u1");
  (*upload.mutable_metadata())["external_id"] = "cms/1";
  (*upload.mutable_metadata())["label.show"] = "news = talk";
  ASSERT_THAT(app.Announce(upload), IsOk());
  ASSERT_THAT(app.Announce(FinishedUpload("u2")), IsOk());
  Json found = Json::parse(app.Call("GET", "/v1/videos?external_id=cms%2F1").body)["videos"];
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0]["external_id"], "cms/1");
  EXPECT_EQ(found[0]["labels"], (Json{{"show", "news = talk"}}));
  const std::string path = "/v1/videos/" + found[0]["video_id"].get<std::string>();
  EXPECT_EQ(Json::parse(app.Call("GET", "/v1/videos?label=show%3Dnews%20%3D%20talk").body)["videos"].size(), 1u);
  EXPECT_EQ(Json::parse(app.Call("GET", "/v1/videos?label=show%3Dnews").body)["videos"].size(), 0u);

  const Json changed = Json::parse(app.Call("PATCH", path, R"({"external_id":"","labels":{"season":"2","show":""}})").body);
  EXPECT_EQ(changed["external_id"], "");
  EXPECT_EQ(changed["labels"], (Json{{"season", "2"}, {"show", ""}}));
  EXPECT_EQ(changed["title"], "holiday") << "what is not given stays";
  EXPECT_EQ(Json::parse(app.Call("GET", "/v1/videos?label=show%3D&label=season%3D2").body)["videos"].size(), 1u);

  const std::string other = "/v1/videos/" + Json::parse(app.Call("GET", "/v1/videos").body)["videos"][0]["video_id"].get<std::string>();
  ASSERT_EQ(app.Call("PATCH", path, R"({"external_id":"cms/1"})").status, 200);
  ExpectError(app.Call("PATCH", other, R"({"external_id":"cms/1"})"), 409, "ALREADY_EXISTS", "external_id", "has it");
  ExpectError(app.Call("PATCH", path, Json{{"external_id", std::string(201, 'x')}}.dump()), 400, "INVALID_ARGUMENT", "external_id",
              "at most 200 characters");
  ExpectError(app.Call("PATCH", path, R"({"labels":{"no space":"x"}})"), 400, "INVALID_ARGUMENT", "labels", "a key must be");
  ExpectError(app.Call("PATCH", path, R"({"labels":{"a":7}})"), 400, "INVALID_ARGUMENT", "labels.a", "must be a string, got number");
  ExpectError(app.Call("PATCH", path, R"({"labels":["a"]})"), 400, "INVALID_ARGUMENT", "labels", "must be an object of strings");
  Json many = Json::object();
  for (int i = 0; i <= 50; ++i) many["k" + std::to_string(i)] = "v";
  ExpectError(app.Call("PATCH", path, Json{{"labels", many}}.dump()), 400, "INVALID_ARGUMENT", "labels", "at most 50 labels, got 51");
  ExpectError(app.Call("PATCH", path, "{}"), 400, "INVALID_ARGUMENT", "body", "give title");
  ExpectError(app.Call("GET", "/v1/videos?label=show"), 400, "INVALID_ARGUMENT", "label", "must be key=value");
  ExpectError(app.Call("GET", "/v1/videos?label=a%3D1&label=a%3D2"), 400, "INVALID_ARGUMENT", "label", "twice");
}

TEST(RestTest, ARequestWithAKeyIsCarriedOutOnce) {
  TestApp app({});
  const std::string body = R"({"url":"https://93.184.216.34/hook","events":["video.ready"]})";
  const auto post = [&](const std::string& key, const std::string& text) {
    http::Headers headers;
    headers.Set("Idempotency-Key", key);
    return app.Call("POST", "/v1/webhooks", text, headers);
  };
  const auto first = post("order-1", body);
  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_FALSE(first.headers.Has("Idempotency-Replayed"));
  for (const char* spelling : {"order-1", "\"order-1\""}) {
    const auto again = post(spelling, body);
    EXPECT_EQ(again.status, 201);
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(again.headers.GetOr("Location", "-"), first.headers.GetOr("Location", "-"));
    EXPECT_EQ(again.headers.GetOr("Idempotency-Replayed", ""), "true");
  }
  EXPECT_EQ(Json::parse(app.Call("GET", "/v1/webhooks").body)["webhooks"].size(), 1u);
  ExpectError(post("order-1", R"({"url":"https://93.184.216.34/2","events":["video.ready"]})"), 422, "IDEMPOTENCY_KEY_REUSED",
              "Idempotency-Key", "another request");
  for (const std::string& bad : {std::string("\"\""), std::string("a b"), std::string(256, 'x')}) {
    ExpectError(post(bad, body), 400, "INVALID_ARGUMENT", "Idempotency-Key", "1 to 255");
  }
  // What was refused is not remembered.
  ExpectError(post("order-2", R"({"url":"nonsense","events":["video.ready"]})"), 400, "INVALID_ARGUMENT", "url", "");
  EXPECT_EQ(post("order-2", body).status, 201);
  EXPECT_EQ(Json::parse(app.Call("GET", "/v1/webhooks").body)["webhooks"].size(), 2u);
}

TEST(RestTest, PagesLaddersAndTheDocument) {
  TestApp app({});
  for (int i = 0; i < 3; ++i) ASSERT_THAT(app.Announce(FinishedUpload("u" + std::to_string(i))), IsOk());
  const Json first = Json::parse(app.Call("GET", "/v1/videos?page_size=2").body);
  EXPECT_EQ(first["videos"].size(), 2u);
  const std::string token = first["next_page_token"];
  const Json second = Json::parse(app.Call("GET", "/v1/videos?page_size=2&page_token=" + token).body);
  EXPECT_EQ(second["videos"].size(), 1u);
  EXPECT_EQ(second["next_page_token"], "");
  ExpectError(app.Call("GET", "/v1/videos?state=READY&page_token=" + token), 400, "INVALID_ARGUMENT", "page_token",
              "asks for something else");
  const Json ladders = Json::parse(app.Call("GET", "/v1/ladders").body);
  ASSERT_EQ(ladders["ladders"].size(), 6u);
  EXPECT_EQ(ladders["ladders"][3]["is_default"], true);
  EXPECT_EQ(ladders["ladders"][0]["rungs"][0]["max_bitrate"].is_number_integer(), true);
  EXPECT_EQ(Json::parse(app.Call("GET", "/openapi.json").body)["openapi"], "3.1.0");
  ExpectError(app.Call("GET", "/v1/videos/" + second["videos"][0]["video_id"].get<std::string>() + "/history"), 503, "UNAVAILABLE", "",
              "orchestrator");
}

TEST(RestTest, ServesTheConsole) {
  namespace fs = std::filesystem;
  const TempFolder temporary;
  const std::string& folder = temporary.path();
  fs::create_directories(folder + "/assets");
  std::ofstream(folder + "/index.html") << "library";
  std::ofstream(folder + "/embed.html") << "player";
  std::ofstream(folder + "/assets/a.js") << "code";
  std::ofstream(folder + "/assets/a.js.gz") << "packed";
  AppOptions options;
  options.console_dir = folder;
  {
    TestApp app(options);
    const auto index = app.Call("GET", "/");
    EXPECT_EQ(index.body, "library");
    EXPECT_EQ(index.headers.GetOr("Content-Type", ""), "text/html; charset=utf-8");
    EXPECT_EQ(index.headers.GetOr("Cache-Control", ""), "no-cache");
    http::Headers known;
    known.Set("If-None-Match", index.headers.GetOr("ETag", ""));
    EXPECT_EQ(app.Call("GET", "/", "", known).status, 304);
    EXPECT_NE(index.headers.GetOr("Content-Security-Policy", "").find("frame-ancestors 'none'"), std::string::npos);
    for (const char* page : {"/upload", "/watch/0123", "/watch/0123/timeline", "/watch/0123/analytics", "/analytics", "/fleet"}) {
      EXPECT_EQ(app.Call("GET", page).body, "library") << page;
    }
    const auto embed = app.Call("GET", "/embed/0123");
    EXPECT_EQ(embed.body, "player");
    EXPECT_NE(embed.headers.GetOr("Content-Security-Policy", "").find("frame-ancestors *"), std::string::npos);
    EXPECT_FALSE(embed.headers.Has("X-Frame-Options"));
    const auto asset = app.Call("GET", "/assets/a.js");
    EXPECT_EQ(asset.headers.GetOr("Content-Type", ""), "text/javascript; charset=utf-8");
    EXPECT_EQ(asset.headers.GetOr("Cache-Control", ""), "public, max-age=31536000, immutable");
    http::Headers gzip;
    gzip.Set("Accept-Encoding", "gzip, deflate");
    const auto packed = app.Call("GET", "/assets/a.js", "", gzip);
    EXPECT_EQ(packed.body, "packed");
    EXPECT_EQ(packed.headers.GetOr("Content-Encoding", ""), "gzip");
    EXPECT_EQ(packed.headers.GetOr("Content-Type", ""), "text/javascript; charset=utf-8");
    EXPECT_EQ(packed.headers.GetOr("Vary", ""), "Accept-Encoding");
    http::Headers browser;
    browser.Set("Accept", "text/html,application/xhtml+xml");
    const auto unknown = app.Call("GET", "/nowhere/at/all", "", browser);
    EXPECT_EQ(unknown.status, 404);
    EXPECT_EQ(unknown.body, "library") << "the page itself says that there is none";
    ExpectError(app.Call("GET", "/nowhere"), 404, "NOT_FOUND", "", "no such path");
    ExpectError(app.Call("GET", "/v1/nowhere", "", browser), 404, "NOT_FOUND", "", "no such path");
    EXPECT_EQ(app.Call("PUT", "/v1/videos").status, 405) << "a known path keeps its methods";
    for (const char* outside :
         {"/assets/../index.html", "/assets/%2e%2e/index.html", "/assets/..%2findex.html", "/assets/none.js", "/assets/"}) {
      const auto answer = app.Call("GET", outside);
      EXPECT_TRUE(answer.status == 404 || answer.status == 400) << outside << " " << answer.status;
    }
  }
}

TEST(RestTest, PostgresAwayIs503AndComesBackByItself) {
  auto& postgres = pg::TestPostgres::Shared();
  TestApp app({});
  ASSERT_THAT(app.Announce(FinishedUpload("u1")), IsOk());
  const std::string id = OnlyVideo(app);
  postgres.Stop();
  const auto away = app.Call("GET", "/v1/videos/" + id);
  ExpectError(away, 503, "UNAVAILABLE", "", "");
  EXPECT_TRUE(away.headers.Has("Retry-After"));
  EXPECT_THAT(app.Announce(FinishedUpload("u2")), StatusIs(StatusCode::kUnavailable)) << "the upload daemon has to come again";
  EXPECT_TRUE(Eventually([&] { return !app.Ready().ok(); }));
  postgres.Start();
  EXPECT_TRUE(Eventually([&] { return app.Call("GET", "/v1/videos/" + id).status == 200; }));
  EXPECT_TRUE(Eventually([&] { return app.Ready().ok(); }));
  EXPECT_THAT(app.Announce(FinishedUpload("u2")), IsOk());
  EXPECT_EQ(Json::parse(app.Call("GET", "/v1/videos").body)["videos"].size(), 2u) << "nothing lost, nothing twice";
}

TEST(RestTest, StartsWithoutPostgresAndOpensWhenItComes) {
  auto& postgres = pg::TestPostgres::Shared();
  AppOptions options;
  options.database_url = postgres.NewDatabase();
  postgres.Stop();
  TestApp app(options);
  ExpectError(app.Call("GET", "/v1/videos"), 503, "UNAVAILABLE", "", "");
  EXPECT_THAT(app.Ready(), ::testing::Not(IsOk()));
  postgres.Start();
  EXPECT_TRUE(Eventually([&] { return app.Ready().ok(); }));
  EXPECT_TRUE(Eventually([&] { return app.Call("GET", "/v1/ladders").body.find("1080p") != std::string::npos; }));
  EXPECT_THAT(app.Announce(FinishedUpload("u1")), IsOk());
}

TEST(RestTest, CreatesFromARealUploadDaemon) {
  const TempFolder folder;
  const int http_port = FreePort();
  DaemonProcess upload(VORA_UPLOAD_BINARY,
                       {{"VORA_STORAGE", "file://" + folder.path()}, {"VORA_HTTP_LISTEN", "127.0.0.1:" + std::to_string(http_port)}});
  upload.Start();
  ASSERT_TRUE(upload.WaitReady());
  AppOptions options;
  options.upload = upload.grpc();
  TestApp app(options);
  ExpectError(app.Call("POST", "/v1/videos", R"({"upload_id":"00000000000000000000000000000000"})"), 404, "NOT_FOUND", "", "no upload");

  http::Client tus;
  http::ClientRequest request;
  request.method = "POST";
  request.url = "http://127.0.0.1:" + std::to_string(http_port) + "/files/";
  request.headers.Set("Tus-Resumable", "1.0.0");
  request.headers.Set("Upload-Length", "5");
  request.headers.Set("Upload-Metadata", "filename Y2F0Lm1wNA==");
  const auto created = tus.Do(request);
  ASSERT_TRUE(created.ok() && created->status == 201) << (created.ok() ? created->body : ToText(created.status()));
  std::string location = created->headers.GetOr("Location", "");
  const std::string upload_id = location.substr(location.rfind('/') + 1);
  ExpectError(app.Call("POST", "/v1/videos", Json{{"upload_id", upload_id}}.dump()), 409, "FAILED_PRECONDITION", "", "is not finished");

  if (location.front() == '/') location = "http://127.0.0.1:" + std::to_string(http_port) + location;
  request.method = "PATCH";
  request.url = location;
  request.headers = {};
  request.headers.Set("Tus-Resumable", "1.0.0");
  request.headers.Set("Upload-Offset", "0");
  request.headers.Set("Content-Type", "application/offset+octet-stream");
  request.body = "hello";
  const auto sent = tus.Do(request);
  ASSERT_TRUE(sent.ok() && sent->status == 204) << (sent.ok() ? sent->body : ToText(sent.status()));
  const auto first = app.Call("POST", "/v1/videos", Json{{"upload_id", upload_id}, {"title", "Cat"}}.dump());
  EXPECT_EQ(first.status, 201) << first.body;
  const Json video = Json::parse(first.body);
  EXPECT_EQ(video["title"], "Cat");
  EXPECT_EQ(video["filename"], "cat.mp4");
  EXPECT_EQ(video["source_bytes"], 5);
  const auto second = app.Call("POST", "/v1/videos", Json{{"upload_id", upload_id}}.dump());
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(Json::parse(second.body)["video_id"], video["video_id"]);
  EXPECT_EQ(app.Call("DELETE", "/v1/videos/" + video["video_id"].get<std::string>()).status, 204);
  ExpectError(app.Call("POST", "/v1/videos", Json{{"upload_id", upload_id}}.dump()), 409, "FAILED_PRECONDITION", "", "was deleted");
  upload.Kill();
}

}  // namespace
}  // namespace vora::metadata
