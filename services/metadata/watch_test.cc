// Live changes: SSE and gRPC, across replicas, from the first state to the deletion.

#include <atomic>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pqxx/pqxx>

#include "libs/pg/testing/test_postgres.h"
#include "libs/rpc/client.h"
#include "libs/testing/status_matchers.h"
#include "services/metadata/harness_test.h"
#include "vora/metadata/v1/metadata.grpc.pb.h"

namespace vora::metadata {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

// An SSE stream read in the background until Close or its end.
class Stream {
 public:
  Stream(const std::string& url, const std::string& last_event_id = "")
      : thread_([this, url, last_event_id] {
          http::ClientRequest request;
          request.url = url;
          request.timeout = std::chrono::milliseconds(0);
          if (!last_event_id.empty()) request.headers.Set("Last-Event-ID", last_event_id);
          request.on_data = [this](std::string_view bytes) {
            const std::lock_guard lock(mutex_);
            text_ += bytes;
            return !closed_;
          };
          request.cancelled = [this] { return closed_.load(); };
          http::Client client;
          const auto response = client.Do(request);
          status_ = response.ok() ? response->status : 0;
          ended_ = true;
        }) {}
  ~Stream() { Close(); }
  void Close() {
    closed_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  bool Has(const std::string& part) {
    return Eventually([&] { return text().find(part) != std::string::npos; });
  }
  bool Ended() {
    return Eventually([&] { return ended_.load(); });
  }
  int status() const { return status_; }

 private:
  std::mutex mutex_;
  std::string text_;
  std::atomic<bool> closed_{false}, ended_{false};
  std::atomic<int> status_{-1};
  std::thread thread_;
};

std::string NewestVideo(TestApp& app) {
  return Json::parse(app.Call("GET", "/v1/videos?page_size=1").body)["videos"][0]["video_id"].get<std::string>();
}

Json Title(const std::string& title) { return Json{{"title", title}}; }

TEST(WatchTest, ServerSentEventsOfOneVideo) {
  AppOptions options;
  options.sse_heartbeat = std::chrono::milliseconds(50);
  TestApp app(options);
  ASSERT_THAT(app.Announce(FinishedUpload("u1")), IsOk());
  const std::string path = "/v1/videos/" + NewestVideo(app);
  Stream stream(app.url() + path + "/events");
  ASSERT_TRUE(stream.Has("\"state\":\"CREATED\"")) << "first the video as it is";
  EXPECT_TRUE(stream.Has(": heartbeat\n\n"));
  const Json changed = Json::parse(app.Call("PATCH", path, Title("Second").dump()).body);
  const std::string version = std::to_string(changed["version"].get<int64_t>());
  ASSERT_TRUE(stream.Has("\"title\":\"Second\""));
  EXPECT_THAT(stream.text(), HasSubstr("id: " + version + "\ndata: {"));

  Stream resumed(app.url() + path + "/events", version);
  ASSERT_TRUE(resumed.Has("retry: 2000\n\n"));
  ASSERT_EQ(app.Call("PATCH", path, Title("Third").dump()).status, 200);
  ASSERT_TRUE(resumed.Has("\"title\":\"Third\""));
  EXPECT_EQ(resumed.text().find("Second"), std::string::npos) << "what the client has is not sent again";

  ASSERT_EQ(app.Call("DELETE", path).status, 204);
  EXPECT_TRUE(stream.Has("event: deleted\n"));
  EXPECT_TRUE(stream.Ended()) << "the end of the video is the end of its stream";
  EXPECT_EQ(stream.status(), 200);
  Stream unknown(app.url() + path + "/events");
  EXPECT_TRUE(unknown.Ended());
  EXPECT_EQ(unknown.status(), 404);
}

TEST(WatchTest, AStreamEndsAndItsClientIsAskedForItsTokenAnew) {
  AppOptions options;
  options.sse_heartbeat = std::chrono::milliseconds(50);
  options.sse_lifetime = std::chrono::milliseconds(300);
  TestApp app(options);
  Stream all(app.url() + "/v1/events");
  EXPECT_TRUE(all.Ended());
  EXPECT_EQ(all.status(), 200);
  EXPECT_THAT(all.text(), HasSubstr(": heartbeat"));
}

TEST(WatchTest, ServerSentEventsOfAllVideosReplayWhatWasMissed) {
  TestApp app({});
  Stream all(app.url() + "/v1/events");
  ASSERT_TRUE(all.Has("retry: 2000\n\n"));
  ASSERT_THAT(app.Announce(FinishedUpload("u1")), IsOk());
  const std::string first = NewestVideo(app);
  ASSERT_TRUE(all.Has(first));
  const int64_t version = Json::parse(app.Call("GET", "/v1/videos/" + first).body)["version"].get<int64_t>();
  all.Close();
  ASSERT_THAT(app.Announce(FinishedUpload("u2")), IsOk());
  const std::string second = NewestVideo(app);
  ASSERT_EQ(app.Call("DELETE", "/v1/videos/" + first).status, 204);
  Stream again(app.url() + "/v1/events", std::to_string(version));
  EXPECT_TRUE(again.Has("\"video_id\":\"" + second + "\""));
  EXPECT_TRUE(again.Has("event: deleted\ndata: {\"video_id\":\"" + first + "\"}"));
  // The change of another video may have been sent later, though its version is lower.
  const int64_t newest = Json::parse(app.Call("GET", "/v1/videos/" + second).body)["version"].get<int64_t>();
  Stream ahead(app.url() + "/v1/events?last_event_id=" + std::to_string(newest));
  EXPECT_TRUE(ahead.Has("\"video_id\":\"" + second + "\""));
}

TEST(WatchTest, WhatWasMissedIsReplayedHoweverMuchOthersChangedMeanwhile) {
  AppOptions options;
  options.database_url = pg::TestPostgres::Shared().NewDatabase();
  TestApp app(options);
  ASSERT_THAT(app.Announce(FinishedUpload("u1")), IsOk());
  const std::string first = NewestVideo(app);
  const int64_t seen = Json::parse(app.Call("GET", "/v1/videos/" + first).body)["version"].get<int64_t>();
  pqxx::connection database(options.database_url);
  const auto add = [&](const std::string& tenant, int videos) {
    pqxx::work tx(database);
    tx.exec_params(
        "INSERT INTO videos (video_id, tenant, upload_id, source_key, title, state, object_prefix, ladder) "
        "SELECT $1 || '-' || n, $1, $1 || '-u' || n, 'k', 'made by hand', 'CREATED', 'o', '{}' FROM generate_series(1, $2) AS n",
        tenant, videos);
    tx.commit();
  };
  add("another", 1500);
  add("default", 250);
  Stream all(app.url() + "/v1/events", std::to_string(seen));
  EXPECT_TRUE(all.Has("\"video_id\":\"default-1\""));
  EXPECT_TRUE(all.Has("\"video_id\":\"default-250\"")) << "more than one page of changes";
  EXPECT_EQ(all.text().find("another"), std::string::npos);
}

TEST(WatchTest, AnotherReplicasChangesArriveToo) {
  AppOptions options;
  options.database_url = pg::TestPostgres::Shared().NewDatabase();
  TestApp one(options), other(options);
  Stream all(one.url() + "/v1/events");
  ASSERT_TRUE(all.Has("retry: 2000\n\n"));
  ASSERT_THAT(other.Announce(FinishedUpload("u1")), IsOk());
  const std::string id = NewestVideo(other);
  ASSERT_TRUE(all.Has(id));
  ASSERT_EQ(other.Call("PATCH", "/v1/videos/" + id, Title("From afar").dump()).status, 200);
  EXPECT_TRUE(all.Has("From afar"));
}

TEST(WatchTest, AWatchSurvivesARestartOfPostgres) {
  auto& postgres = pg::TestPostgres::Shared();
  TestApp app({});
  ASSERT_THAT(app.Announce(FinishedUpload("u1")), IsOk());
  const std::string path = "/v1/videos/" + NewestVideo(app);
  Stream stream(app.url() + path + "/events");
  ASSERT_TRUE(stream.Has("\"state\":\"CREATED\""));
  postgres.Stop();
  EXPECT_EQ(app.Call("PATCH", path, Title("Lost").dump()).status, 503);
  postgres.Start();
  ASSERT_TRUE(Eventually([&] { return app.Call("PATCH", path, Title("Kept").dump()).status == 200; }));
  EXPECT_TRUE(stream.Has("\"title\":\"Kept\""));
  EXPECT_EQ(stream.text().find("Lost"), std::string::npos);
}

TEST(WatchTest, GrpcStreamOfOneVideo) {
  TestApp app({});
  ASSERT_THAT(app.Announce(FinishedUpload("u1")), IsOk());
  const std::string id = NewestVideo(app);
  auto stub = v1::VideoService::NewStub(app.channel());
  grpc::ClientContext context;
  rpc::Prepare(context, std::chrono::seconds(30));
  v1::WatchVideoRequest request;
  request.set_video_id(id);
  auto reader = stub->WatchVideo(&context, request);
  v1::Video video;
  ASSERT_TRUE(reader->Read(&video));
  EXPECT_EQ(video.state(), v1::VIDEO_STATE_CREATED);
  const int64_t version = video.version();
  ASSERT_EQ(app.Call("PATCH", "/v1/videos/" + id, Title("Second").dump()).status, 200);
  ASSERT_TRUE(reader->Read(&video));
  EXPECT_EQ(video.title(), "Second");
  EXPECT_GT(video.version(), version);
  ASSERT_EQ(app.Call("DELETE", "/v1/videos/" + id).status, 204);
  EXPECT_FALSE(reader->Read(&video));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::OK);

  grpc::ClientContext unknown;
  rpc::Prepare(unknown, std::chrono::seconds(30));
  reader = stub->WatchVideo(&unknown, request);
  EXPECT_FALSE(reader->Read(&video));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(WatchTest, ManyGrpcWatchersHoldNoThreadsAndEndWithTheServer) {
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::Video>>> readers;
  auto app = std::make_unique<TestApp>(AppOptions());
  auto stub = v1::VideoService::NewStub(app->channel());
  ASSERT_THAT(app->Announce(FinishedUpload("u1")), IsOk());
  v1::WatchVideoRequest request;
  request.set_video_id(NewestVideo(*app));
  v1::Video video;
  for (int i = 0; i < 100; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    rpc::Prepare(*contexts.back(), std::chrono::seconds(60));
    readers.push_back(stub->WatchVideo(contexts.back().get(), request));
    ASSERT_TRUE(readers.back()->Read(&video));
  }
  ASSERT_EQ(app->Call("PATCH", "/v1/videos/" + request.video_id(), Title("For all").dump()).status, 200);
  for (auto& reader : readers) {
    ASSERT_TRUE(reader->Read(&video));
    EXPECT_EQ(video.title(), "For all");
  }
  for (int i = 0; i < 50; ++i) contexts[static_cast<size_t>(i)]->TryCancel();
  app.reset();
  for (size_t i = 0; i < readers.size(); ++i) {
    while (readers[i]->Read(&video)) {
    }
    const auto code = readers[i]->Finish().error_code();
    EXPECT_EQ(code, i < 50 ? grpc::StatusCode::CANCELLED : grpc::StatusCode::UNAVAILABLE) << i;
  }
}

}  // namespace
}  // namespace vora::metadata
