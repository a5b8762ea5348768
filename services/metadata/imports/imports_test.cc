// Imports over REST against the whole daemon and a real PostgreSQL, with sources that are folders; nothing is brought in, as there is no
// worker.

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/rpc/call.h"
#include "libs/sources/sources.h"
#include "libs/testing/eventually.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"
#include "services/metadata/harness_test.h"
#include "services/metadata/imports/bucket_events.h"
#include "services/metadata/imports/scanner.h"
#include "services/metadata/imports/source_files.h"
#include "vora/metadata/v1/events.grpc.pb.h"

namespace vora::metadata {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<const sources::Sources> FolderSources(const std::string& text, obs::Metrics& metrics) {
  const auto getenv = [](const std::string& name) -> std::optional<std::string> {
    return name == "VORA_SOURCE_NAS_EVENTS_TOKEN" ? std::optional<std::string>("geheim") : std::nullopt;
  };
  auto opened = sources::Sources::Open(text, getenv, metrics);
  EXPECT_THAT(opened, IsOk());
  return std::make_shared<const sources::Sources>(*std::move(opened));
}

class ImportsTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text = "x") {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  void Start(const std::string& options = "") {
    AppOptions app;
    app.sources = FolderSources("nas=file://" + folder_.path() + options + ";theirs=file://" + folder_.path() + "?tenant=acme", metrics_);
    app_ = std::make_unique<TestApp>(app);
  }
  TestApp::Answer Post(const std::string& path, const Json& body, const http::Headers& headers = {}) {
    return app_->Call("POST", path, body.dump(), headers);
  }
  Json Videos() { return Json::parse(app_->Call("GET", "/v1/videos").body)["videos"]; }
  // A scan from begin to end.
  Json Scan() {
    const auto begun = app_->Call("POST", "/v1/sources/nas:scan");
    EXPECT_EQ(begun.status, 202) << begun.body;
    Json scan;
    EXPECT_TRUE(Eventually([&] {
      scan = Json::parse(app_->Call("GET", begun.headers.GetOr("Location", "")).body);
      return scan["state"] != "RUNNING";
    }));
    return scan;
  }
  static void ExpectError(const TestApp::Answer& answer, int status, const std::string& field, const std::string& part) {
    EXPECT_EQ(answer.status, status) << answer.body;
    const Json json = Json::parse(answer.body, nullptr, false);
    EXPECT_EQ(json["error"].value("field", ""), field) << answer.body;
    EXPECT_THAT(json["error"]["message"].get<std::string>(), HasSubstr(part));
  }

  TempFolder folder_;
  obs::Metrics metrics_;
  std::unique_ptr<TestApp> app_;
};

TEST_F(ImportsTest, AFileOfASourceIsOneVideoHoweverOftenItIsAskedFor) {
  Write("films/Ä film.mkv", "12345");
  Start();
  const Json body = {{"source", {{"name", "nas"}, {"key", "films/Ä film.mkv"}}}, {"external_id", "cms/1"}, {"labels", {{"show", "news"}}}};
  const auto made = Post("/v1/videos", body);
  ASSERT_EQ(made.status, 201) << made.body;
  const Json video = Json::parse(made.body);
  EXPECT_EQ(video["title"], "Ä film");
  EXPECT_EQ(video["upload_id"], "");
  EXPECT_EQ(video["source_bytes"], 5);
  EXPECT_EQ(video["import"]["source"], "nas");
  EXPECT_EQ(video["import"]["key"], "films/Ä film.mkv");
  EXPECT_EQ(video["import"]["done"], false);
  const auto again = Post("/v1/videos", body);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(Json::parse(again.body)["video_id"], video["video_id"]);
  Json other = body;
  other["external_id"] = "cms/2";
  ExpectError(Post("/v1/videos", other), 409, "external_id", "has another one");
  // The same file under the same id is the video that there is, also when it has changed since.
  Write("films/Ä film.mkv", "123456");
  EXPECT_EQ(Json::parse(Post("/v1/videos", body).body)["video_id"], video["video_id"]);
  // It is still to be brought in, and will have the newest version.
  const auto newer = Post("/v1/videos", {{"source", body["source"]}});
  EXPECT_EQ(newer.status, 200);
  EXPECT_EQ(Json::parse(newer.body)["video_id"], video["video_id"]);
  EXPECT_EQ(Scan()["registered"], 0);
  // Once that has failed, or was cancelled, it is another video.
  ASSERT_EQ(app_->Call("POST", "/v1/videos/" + video["video_id"].get<std::string>() + "/cancel").status, 200);
  EXPECT_EQ(Scan()["registered"], 1);
}

TEST_F(ImportsTest, BadRequestsNameTheField) {
  Write("a.mkv");
  Start();
  const auto post = [&](const Json& source) { return Post("/v1/videos", {{"source", source}}); };
  ExpectError(post(Json::object()), 400, "source", "either name and key");
  ExpectError(post({{"name", "nas"}, {"key", "a.mkv"}, {"url", "https://93.184.216.34/a"}}), 400, "source", "either name and key");
  ExpectError(post({{"name", "nas"}}), 400, "source.key", "required");
  ExpectError(post({{"name", "nas"}, {"key", "../etc/passwd"}}), 400, "source.key", "");
  ExpectError(post({{"name", "nas"}, {"key", std::string(1025, 'k')}}), 400, "source.key", "at most 1024 bytes");
  ExpectError(post({{"name", "nas"}, {"key", "b.mkv"}}), 404, "source.key", "no such file");
  ExpectError(post({{"name", "theirs"}, {"key", "a.mkv"}}), 404, "source", "none with the name");
  ExpectError(post({{"name", 7}}), 400, "source.name", "must be a string");
  ExpectError(post({{"colour", "red"}}), 400, "source.colour", "unknown field; known are name, key, url");
  ExpectError(post("nas"), 400, "source", "must be an object");
  for (const char* url : {"ftp://93.184.216.34/a", "https://u:p@93.184.216.34/a", "https://93.184.216.34/a#b", "nonsense",
                          "https://127.0.0.1/a", "http://[::ffff:10.0.0.1]/a", "http://2130706433/a"}) {
    ExpectError(post({{"url", url}}), 400, "source.url", "");
  }
  ExpectError(post({{"url", "https://93.184.216.34/" + std::string(2000, 'a')}}), 400, "source.url", "at most 2000 bytes");
  Json titled = {{"source", {{"name", "nas"}, {"key", "a.mkv"}}}, {"title", std::string(201, 'x')}};
  ExpectError(Post("/v1/videos", titled), 400, "title", "at most 200");
  EXPECT_EQ(Videos().size(), 0u) << "nothing of it is half done";
}

TEST_F(ImportsTest, AUrlIsShownWithoutItsSecretAndItsRequestMadeOnce) {
  Start();
  const Json body = {{"source", {{"url", "https://93.184.216.34/films/My%20film.mp4?signature=secret"}}}};
  http::Headers headers;
  headers.Set("Idempotency-Key", "order-1");
  const auto made = Post("/v1/videos", body, headers);
  ASSERT_EQ(made.status, 201) << made.body;
  const Json video = Json::parse(made.body);
  EXPECT_EQ(video["title"], "My film");
  EXPECT_EQ(video["import"]["url"], "https://93.184.216.34/films/My%20film.mp4");
  EXPECT_THAT(made.body, ::testing::Not(HasSubstr("secret")));
  EXPECT_EQ(Json::parse(Post("/v1/videos", body, headers).body)["video_id"], video["video_id"]);
  // The key names the video too, so that it is found when the answer is forgotten.
  Json by_id = body;
  by_id["request_id"] = "order-1";
  EXPECT_EQ(Json::parse(Post("/v1/videos", by_id).body)["video_id"], video["video_id"]);
  EXPECT_EQ(Videos().size(), 1u);
  by_id["source"]["url"] = "https://93.184.216.34/films/other.mp4";
  ExpectError(Post("/v1/videos", by_id), 422, "request_id", "another file");
  // What was changed since stays, however often the request is repeated.
  by_id = body;
  by_id["request_id"] = "order-1";
  by_id["labels"] = {{"show", "news"}};
  EXPECT_EQ(Json::parse(Post("/v1/videos", by_id).body)["labels"], Json::object());
  EXPECT_EQ(Post("/v1/videos", body).status, 201) << "without a name each request is one of its own";
}

TEST_F(ImportsTest, AScanRegistersWhatIsNewAndSaysWhyNotTheRest) {
  Write("a.mkv");
  Write("b/c.MP4");
  Write("b/notes.txt");
  Write("b/empty.mov", "");
  Write(".hidden/d.mkv");
  fs::create_symlink("a.mkv", folder_ / "link.mkv");
  Start();
  const Json first = Scan();
  EXPECT_EQ(first["state"], "DONE") << first;
  EXPECT_EQ(first["found"], 5);
  EXPECT_EQ(first["registered"], 2);
  EXPECT_EQ(first["skipped"], 1);
  EXPECT_EQ(first["failed"], 2);
  std::vector<std::string> reasons;
  for (const auto& reason : first["reasons"])
    reasons.push_back(reason["outcome"].get<std::string>() + ": " + reason["reason"].get<std::string>());
  EXPECT_THAT(reasons, ElementsAre("failed: a symbolic link: these are not followed", "failed: the file is empty",
                                   "skipped: not a media file by its name"));
  const std::string path = "/v1/sources/nas/scans/" + first["scan_id"].get<std::string>();
  const Json failed = Json::parse(app_->Call("GET", path + "/files?outcome=failed").body)["files"];
  ASSERT_EQ(failed.size(), 2u);
  EXPECT_EQ(failed[0]["key"], "link.mkv");
  Json page = Json::parse(app_->Call("GET", path + "/files?page_size=3").body);
  EXPECT_EQ(page["files"].size(), 3u);
  page = Json::parse(app_->Call("GET", path + "/files?page_size=3&page_token=" + page["next_page_token"].get<std::string>()).body);
  EXPECT_EQ(page["files"].size(), 1u);
  EXPECT_EQ(page["next_page_token"], "");

  const Json second = Scan();
  EXPECT_EQ(second["registered"], 0);
  EXPECT_EQ(second["skipped"], 3);
  EXPECT_EQ(Videos().size(), 2u);
  // What was deleted does not come back by itself; what changed is another file.
  for (const auto& video : Videos()) ASSERT_EQ(app_->Call("DELETE", "/v1/videos/" + video["video_id"].get<std::string>()).status, 204);
  Write("a.mkv", "longer");
  const Json third = Scan();
  EXPECT_EQ(third["registered"], 1);
  EXPECT_THAT(third["reasons"].dump(), HasSubstr("its video was deleted"));
  ASSERT_EQ(Videos().size(), 1u);
  EXPECT_EQ(Videos()[0]["import"]["key"], "a.mkv");
  // Somebody who asks for it gets it all the same.
  EXPECT_EQ(Post("/v1/videos", {{"source", {{"name", "nas"}, {"key", "b/c.MP4"}}}}).status, 201);
}

TEST_F(ImportsTest, SourcesAreThoseOfTheTenantAndScansAreKept) {
  Write("a.mkv");
  Start();
  const Json listed = Json::parse(app_->Call("GET", "/v1/sources").body)["sources"];
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0]["name"], "nas");
  EXPECT_EQ(listed[0]["problem"], "");
  EXPECT_EQ(listed[0]["takes_events"], true);
  const Json scan = Scan();
  EXPECT_EQ(Json::parse(app_->Call("GET", "/v1/sources").body)["sources"][0]["last_scan"]["scan_id"], scan["scan_id"]);
  EXPECT_EQ(Json::parse(app_->Call("GET", "/v1/sources/nas/scans").body)["scans"].size(), 1u);
  ExpectError(app_->Call("POST", "/v1/sources/theirs:scan"), 404, "source", "none with the name");
  ExpectError(app_->Call("POST", "/v1/sources/nas:scan", R"({"x":1})"), 400, "x", "unknown field");
  ExpectError(app_->Call("GET", "/v1/sources/nas/scans/nonsense"), 404, "", "no scan");
  const std::string path = "/v1/sources/nas/scans/" + scan["scan_id"].get<std::string>();
  ExpectError(app_->Call("GET", path + "/files?outcome=lost"), 400, "outcome", "registered or failed");
  ExpectError(app_->Call("GET", path + "/files?page_token=x"), 400, "page_token", "not a token");
  EXPECT_EQ(Json::parse(app_->Call("POST", path + ":cancel").body)["state"], "DONE") << "what has ended stays as it is";
}

TEST_F(ImportsTest, ASourceHasALadderUnlessTheRequestNamesOne) {
  Write("a.mkv", "1");
  Write("b.mkv", "12");
  Start("?ladder=hd");
  const Json source = {{"name", "nas"}, {"key", "a.mkv"}};
  const auto asked = Post("/v1/videos", {{"source", source}, {"ladder", "mobile"}});
  ASSERT_EQ(asked.status, 201) << asked.body;
  EXPECT_EQ(Json::parse(asked.body)["ladder"], "mobile");
  const auto other = Post("/v1/videos", {{"source", source}, {"ladder", "4k"}});
  ExpectError(other, 409, "ladder", "is encoded with mobile already");
  const auto usual = Post("/v1/videos", {{"source", {{"name", "nas"}, {"key", "b.mkv"}}}});
  EXPECT_EQ(Json::parse(usual.body)["ladder"], "hd");
}

TEST_F(ImportsTest, ALadderOfASourceThatIsNotThereIsAWarning) {
  Write("a.mkv", "1");
  Start("?ladder=gone");
  const auto made = Post("/v1/videos", {{"source", {{"name", "nas"}, {"key", "a.mkv"}}}});
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(Json::parse(made.body)["ladder"], "default");
  EXPECT_THAT(Json::parse(made.body)["warnings"][0].get<std::string>(), HasSubstr("there is no ladder \"gone\""));
}

TEST_F(ImportsTest, AWatchedSourceIsScannedByItself) {
  Write("a.mkv");
  Start("?watch=1s");
  EXPECT_TRUE(Eventually([&] { return Videos().size() == 1; }));
  Write("b.mkv");
  EXPECT_TRUE(Eventually([&] { return Videos().size() == 2; }));
}

TEST_F(ImportsTest, ASourceThatIsAwayHoldsTheScanUpAndNothingElse) {
  const std::string root = folder_ / "share";
  obs::Metrics metrics;
  AppOptions options;
  options.sources = FolderSources("nas=file://" + root, metrics);
  app_ = std::make_unique<TestApp>(options);
  const auto begun = app_->Call("POST", "/v1/sources/nas:scan");
  ASSERT_EQ(begun.status, 202);
  Json scan;
  EXPECT_TRUE(Eventually([&] {
    scan = Json::parse(app_->Call("GET", begun.headers.GetOr("Location", "")).body);
    return scan["problem"] != "";
  })) << scan;
  EXPECT_EQ(scan["state"], "RUNNING");
  EXPECT_THAT(Json::parse(app_->Call("GET", "/v1/sources").body)["sources"][0]["problem"].get<std::string>(), HasSubstr("share"));
  ExpectError(Post("/v1/videos", {{"source", {{"name", "nas"}, {"key", "a.mkv"}}}}), 503, "source.key", "");
  Write("share/a.mkv");
  EXPECT_TRUE(Eventually([&] { return Json::parse(app_->Call("GET", begun.headers.GetOr("Location", "")).body)["state"] == "DONE"; }));
  EXPECT_EQ(Videos().size(), 1u);
}

TEST_F(ImportsTest, BucketEventsMakeOneVideoInWhateverOrderTheyCome) {
  Write("films/a film.mkv");
  Write("films/b.txt");
  Start();
  const auto record = [](const std::string& event, const std::string& key) {
    return Json{{"eventName", event},
                {"s3", {{"bucket", {{"name", "any"}}}, {"object", {{"key", key}, {"eTag", "old"}, {"sequencer", "1"}}}}}};
  };
  const Json message = {{"Records",
                         {record("s3:ObjectCreated:Put", "films/a+film.mkv"),
                          record("ObjectCreated:CompleteMultipartUpload", "films%2Fa+film.mkv"), record("ObjectCreated:Put", "films/b.txt"),
                          record("ObjectCreated:Put", "films/gone.mkv"), record("ObjectRemoved:Delete", "films/a+film.mkv")}}};
  http::Headers headers;
  headers.Set("Authorization", "Bearer geheim");
  const Json taken = Json::parse(Post("/v1/sources/nas/events", message, headers).body);
  EXPECT_EQ(taken["registered"], 1) << taken;
  EXPECT_EQ(taken["known"], 1);
  EXPECT_EQ(taken["ignored"], 3);
  EXPECT_EQ(Json::parse(Post("/v1/sources/nas/events?token=geheim", message).body)["known"], 2);
  headers.Set("Authorization", "Basic dm9yYTpnZWhlaW0=");
  EXPECT_EQ(Post("/v1/sources/nas/events", {{"Service", "Amazon S3"}, {"Event", "s3:TestEvent"}}, headers).status, 200);
  ASSERT_EQ(Videos().size(), 1u);
  ASSERT_EQ(app_->Call("DELETE", "/v1/videos/" + Videos()[0]["video_id"].get<std::string>()).status, 204);
  EXPECT_EQ(Json::parse(Post("/v1/sources/nas/events?token=geheim", message).body)["known"], 2);
  EXPECT_EQ(Videos().size(), 0u) << "what was deleted does not come back by itself";
  ExpectError(Post("/v1/sources/nas/events", message), 401, "", "token");
  ExpectError(Post("/v1/sources/nas/events?token=wrong", message), 401, "", "token");
  ExpectError(Post("/v1/sources/none/events?token=geheim", message), 401, "", "token");
  ExpectError(Post("/v1/sources/nas/events?token=geheim", Json::object()), 400, "Records", "required");
  ExpectError(app_->Call("POST", "/v1/sources/nas/events?token=geheim", "nonsense"), 400, "body", "S3's event message");
}

// Whoever hands the events of subscription `amqp` on asks for files, over gRPC.
class RecipientsTest : public ImportsTest {
 protected:
  void SetUp() override {
    Write("a.mkv");
    Start();
    events_ = v1::EventService::NewStub(app_->channel());
  }
  static v1::ImportForRecipientRequest Request(const std::string& id, const std::string& recipient, const std::string& key = "a.mkv") {
    v1::ImportForRecipientRequest request;
    request.mutable_import()->mutable_source()->set_name("nas");
    request.mutable_import()->mutable_source()->set_key(key);
    request.mutable_import()->set_request_id(id);
    request.set_subscription("amqp");
    request.set_recipient(recipient);
    return request;
  }
  StatusOr<v1::Video> Import(const v1::ImportForRecipientRequest& request) {
    return rpc::Call(*events_, &v1::EventService::Stub::ImportForRecipient, request, std::chrono::seconds(20));
  }
  std::vector<v1::Event> Fetch() {
    v1::FetchEventsRequest request;
    request.set_subscription("amqp");
    const auto fetched = rpc::Call(*events_, &v1::EventService::Stub::FetchEvents, request, std::chrono::seconds(20));
    EXPECT_THAT(fetched, IsOk());
    return {fetched->events().begin(), fetched->events().end()};
  }
  void Delete(const std::string& video_id) { ASSERT_EQ(app_->Call("DELETE", "/v1/videos/" + video_id).status, 204); }

  std::unique_ptr<v1::EventService::Stub> events_;
};

TEST_F(RecipientsTest, WhoeverAskedForAFileIsNamedByItsEvents) {
  const auto first = Import(Request("r1", "one"));
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->labels_size(), 0);
  EXPECT_EQ(Import(Request("r2", "two"))->video_id(), first->video_id());
  EXPECT_EQ(Import(Request("r1", "one"))->video_id(), first->video_id()) << "again";
  EXPECT_EQ(Import(Request("r1", "three"))->video_id(), first->video_id()) << "the same request, and somebody else to be told";
  const auto patched = app_->Call("PATCH", "/v1/videos/" + first->video_id(), R"({"labels":{"show":"news"}})");
  EXPECT_EQ(patched.status, 200) << "labels have nothing to do with it";
  Delete(first->video_id());
  const auto events = Fetch();
  ASSERT_EQ(events.size(), 1u) << "the subscription was made by the first import";
  EXPECT_EQ(events[0].type(), "video.deleted");
  EXPECT_THAT(events[0].recipients(), ElementsAre("one", "three", "two"));
}

TEST_F(RecipientsTest, ARequestIsGivenTheSameVideoWhateverHasBecomeOfItsFile) {
  const auto made = Import(Request("r1", "one"));
  ASSERT_THAT(made, IsOk());
  ASSERT_THAT(Import(Request("r2", "two")), IsOk());
  Write("b.mkv");
  fs::remove(folder_ / "a.mkv");
  EXPECT_THAT(Import(Request("r3", "three")), StatusIs(StatusCode::kNotFound));
  for (const char* id : {"r1", "r2"}) {
    const auto again = Import(Request(id, "four"));
    ASSERT_THAT(again, IsOk()) << id;
    EXPECT_EQ(again->video_id(), made->video_id()) << id;
  }
  const Status reused = Import(Request("r2", "two", "b.mkv")).status();
  EXPECT_EQ(DetailOf(reused).reason, "idempotency_key_reused");
  Delete(made->video_id());
  Write("a.mkv");
  for (const char* id : {"r1", "r2"}) {
    EXPECT_THAT(Import(Request(id, "one")), StatusIs(StatusCode::kFailedPrecondition)) << "its redelivery brings nothing back: " << id;
  }
  EXPECT_NE(Import(Request("r4", "one"))->video_id(), made->video_id());
}

TEST_F(RecipientsTest, LimitsAreNamed) {
  const auto field = [&](const std::function<void(v1::ImportForRecipientRequest&)>& change) {
    auto request = Request("r", "one");
    change(request);
    const Status refused = Import(request).status();
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << ToText(refused);
    return DetailOf(refused).field;
  };
  EXPECT_EQ(field([](auto& request) { request.clear_recipient(); }), "recipient");
  EXPECT_EQ(field([](auto& request) { request.set_recipient(std::string(2001, 'x')); }), "recipient");
  EXPECT_EQ(field([](auto& request) { request.set_recipient(std::string("a\0b", 3)); }), "recipient");
  EXPECT_EQ(field([](auto& request) { request.clear_subscription(); }), "subscription");
  EXPECT_EQ(field([](auto& request) { request.clear_import(); }), "source");
  EXPECT_EQ(Videos().size(), 0u) << "nothing of it is half done";
  for (int i = 0; i < 1000; ++i) ASSERT_THAT(Import(Request("r", "recipient " + std::to_string(i))), IsOk());
  const Status full = Import(Request("r", "one more")).status();
  EXPECT_THAT(full, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(DetailOf(full).field, "recipient");
  EXPECT_EQ(DetailOf(full).limit, "1000 recipients");
  EXPECT_THAT(Import(Request("r", "recipient 7")), IsOk()) << "who is there already may come again";
}

TEST_F(RecipientsTest, AtTheSameMomentTheSameFileIsOneVideo) {
  constexpr int kTasks = 12;
  const auto import_all = [&](const std::string& round, const std::function<void(v1::ImportForRecipientRequest&)>& change) {
    std::vector<StatusOr<v1::Video>> videos(kTasks, Unavailable("not asked"));
    std::vector<std::thread> threads;
    for (int i = 0; i < kTasks; ++i) {
      threads.emplace_back([&, i] {
        auto request = Request(round + std::to_string(i), std::to_string(i));
        request.mutable_import()->set_external_id("cms/" + round);
        change(request);
        videos[static_cast<size_t>(i)] = Import(request);
      });
    }
    for (auto& thread : threads) thread.join();
    std::set<std::string> ids;
    for (const auto& video : videos) {
      EXPECT_THAT(video, IsOk()) << Message(video.status());
      if (video.ok()) ids.insert(video->video_id());
    }
    EXPECT_EQ(ids.size(), 1u) << round;
  };
  for (int round = 0; round < 10; ++round) {
    const std::string n = std::to_string(round);
    import_all("url-" + n, [&](auto& request) {
      request.mutable_import()->mutable_source()->Clear();
      request.mutable_import()->mutable_source()->set_url("https://93.184.216.34/" + n + ".mp4");
    });
    Write(n + ".mkv");
    import_all("file-" + n, [&](auto& request) { request.mutable_import()->mutable_source()->set_key(n + ".mkv"); });
    Write("same-" + n + ".mkv");
    import_all("same-" + n, [&](auto& request) {
      request.mutable_import()->mutable_source()->set_key("same-" + n + ".mkv");
      request.mutable_import()->set_request_id("same-" + n);
    });
  }
}

TEST(BucketEventsTest, KeysAreThoseBelowTheSourcesRoot) {
  sources::SourceSpec source;
  source.url = "s3://media/in/films?endpoint=http://10.0.0.1:9000";
  const auto message = [](const std::string& bucket, const std::string& key) {
    return Json{{"Records", {{{"eventName", "ObjectCreated:Put"}, {"s3", {{"bucket", {{"name", bucket}}}, {"object", {{"key", key}}}}}}}}}
        .dump();
  };
  EXPECT_THAT(ParseBucketEvents(source, message("media", "in/films/a%2Bb+c.mkv"))->keys, ElementsAre("a+b c.mkv"));
  EXPECT_EQ(ParseBucketEvents(source, message("other", "in/films/a.mkv"))->ignored, 1);
  EXPECT_EQ(ParseBucketEvents(source, message("media", "out/a.mkv"))->ignored, 1);
  EXPECT_EQ(ParseBucketEvents(source, message("media", "in/films/"))->ignored, 1);
  EXPECT_EQ(ParseBucketEvents(source, R"({"Records":[{},7,{"s3":null}]})")->ignored, 3);
}

TEST(SourceFilesTest, MediaByTheEndOfTheName) {
  for (const char* name : {"a.mp4", "x/y.MKV", "b.m4a", "ä.opus", ".a.mov"}) EXPECT_TRUE(IsMediaName(name)) << name;
  for (const char* name : {"a", "a.txt", ".mp4", "x.mp4/readme", "mp4", "a.mp4.part"}) EXPECT_FALSE(IsMediaName(name)) << name;
}

}  // namespace
}  // namespace vora::metadata
