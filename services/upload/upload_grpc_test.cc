// The gRPC side: UploadService, and announcements to a real UploadListener.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <map>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/rpc/client.h"
#include "libs/rpc/server.h"
#include "services/upload/harness_test.h"
#include "vora/upload/v1/upload.grpc.pb.h"

namespace vora::upload {
namespace {

class Listener final : public v1::UploadListener::Service {
 public:
  grpc::Status UploadFinished(grpc::ServerContext* context, const v1::UploadFinishedRequest* request,
                              v1::UploadFinishedResponse*) override {
    std::lock_guard lock(mutex_);
    ++calls_;
    if (refuse_ > 0) {
      --refuse_;
      return {grpc::StatusCode::INTERNAL, "not now"};
    }
    auto trace = context->client_metadata().find("traceparent");
    if (trace != context->client_metadata().end()) traceparent_ = {trace->second.data(), trace->second.size()};
    taken_[request->upload().upload_id()] = request->upload();
    return grpc::Status::OK;
  }
  std::optional<v1::Upload> Taken(const std::string& id) {
    std::lock_guard lock(mutex_);
    auto found = taken_.find(id);
    return found == taken_.end() ? std::nullopt : std::make_optional(found->second);
  }
  void Refuse(int times) {
    std::lock_guard lock(mutex_);
    refuse_ = times;
  }
  int calls() {
    std::lock_guard lock(mutex_);
    return calls_;
  }
  std::string traceparent() {
    std::lock_guard lock(mutex_);
    return traceparent_;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, v1::Upload> taken_;
  std::string traceparent_;
  int refuse_ = 0;
  int calls_ = 0;
};

class GrpcServer {
 public:
  explicit GrpcServer(grpc::Service* service, int port = 0) {
    readiness_.SetStarted();
    rpc::ServerOptions options;
    options.listen = "127.0.0.1:" + std::to_string(port);
    StatusOr<std::unique_ptr<rpc::Server>> started = rpc::Server::Start(options, {service}, readiness_, metrics_);
    if (!started.ok()) throw std::runtime_error(ToText(started.status()));
    server_ = *std::move(started);
  }
  ~GrpcServer() { server_->Shutdown(std::chrono::milliseconds(1000)); }
  int port() const { return server_->port(); }
  std::string target() const { return "127.0.0.1:" + std::to_string(port()); }

 private:
  Readiness readiness_;
  obs::Metrics metrics_;
  std::unique_ptr<rpc::Server> server_;
};

class UploadGrpcTest : public ::testing::Test {
 protected:
  static UploadSettings Announcing(std::vector<std::string> targets) {
    UploadSettings settings = TestSettings();
    settings.listeners = std::move(targets);
    return settings;
  }
  bool Announced() { return Keys(store_, "announce/").empty(); }

  TempFolder dir_;
  FaultyStore store_{OpenStore(dir_.path())};
  Tus tus_;
};

TEST_F(UploadGrpcTest, GetAndTerminate) {
  Replica replica(store_);
  GrpcServer server(replica.app().grpc_service());
  auto stub = v1::UploadService::NewStub(rpc::Connect(server.target()));
  auto get = [&](const std::string& id, v1::Upload* upload) {
    grpc::ClientContext context;
    rpc::Prepare(context, std::chrono::seconds(10));
    v1::GetUploadRequest request;
    request.set_upload_id(id);
    return stub->GetUpload(&context, request, upload).error_code();
  };
  auto terminate = [&](const std::string& id) {
    grpc::ClientContext context;
    rpc::Prepare(context, std::chrono::seconds(10));
    v1::TerminateUploadRequest request;
    request.set_upload_id(id);
    v1::TerminateUploadResponse response;
    return stub->TerminateUpload(&context, request, &response).error_code();
  };
  std::string upload = tus_.Create(replica.url(), 5, {{"Upload-Metadata", "filename " + Base64Encode("a.mp4")}});
  v1::Upload shown;
  ASSERT_EQ(get(IdOf(upload), &shown), grpc::StatusCode::OK);
  EXPECT_EQ(shown.state(), v1::UPLOAD_STATE_CREATED);
  EXPECT_EQ(shown.tenant(), "default");
  EXPECT_EQ(shown.metadata().at("filename"), "a.mp4");
  EXPECT_EQ(shown.length(), 5);
  EXPECT_FALSE(shown.traceparent().empty());
  ASSERT_EQ(tus_.Patch(upload, 0, "12").status, 204);
  ASSERT_EQ(get(IdOf(upload), &shown), grpc::StatusCode::OK);
  EXPECT_EQ(shown.state(), v1::UPLOAD_STATE_UPLOADING);
  EXPECT_EQ(shown.offset(), 2);
  EXPECT_EQ(terminate(IdOf(upload)), grpc::StatusCode::OK);
  EXPECT_EQ(get(IdOf(upload), &shown), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(terminate(IdOf(upload)), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(get("../../etc", &shown), grpc::StatusCode::INVALID_ARGUMENT);
  std::string done = tus_.Create(replica.url(), 0);
  ASSERT_EQ(get(IdOf(done), &shown), grpc::StatusCode::OK);
  EXPECT_EQ(shown.state(), v1::UPLOAD_STATE_UPLOADED);
  EXPECT_EQ(shown.sha256(), HexEncode(Sha256("")));
  EXPECT_EQ(terminate(IdOf(done)), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(UploadGrpcTest, ListenerLearnsOfTheUpload) {
  Listener listener;
  GrpcServer server(&listener);
  Replica replica(store_, Announcing({server.target()}));
  std::string upload = tus_.Create(replica.url(), 5, {{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}});
  ASSERT_EQ(tus_.Patch(upload, 0, "12345").status, 204);
  WaitFor("the announcement arrives", [&] { return listener.Taken(IdOf(upload)).has_value(); });
  v1::Upload told = *listener.Taken(IdOf(upload));
  EXPECT_EQ(told.state(), v1::UPLOAD_STATE_UPLOADED);
  EXPECT_EQ(told.sha256(), HexEncode(Sha256("12345")));
  EXPECT_EQ(told.object_key(), "raw/" + IdOf(upload) + "/original");
  EXPECT_NE(told.traceparent().find("0af7651916cd43dd8448eb211c80319c"), std::string::npos);
  EXPECT_NE(listener.traceparent().find("0af7651916cd43dd8448eb211c80319c"), std::string::npos) << "one trace from upload on";
  WaitFor("the outbox is empty", [&] { return Announced(); });
  WaitFor("nothing is pending", [&] { return replica.Metric("vora_upload_announce_pending") == 0; });
  EXPECT_EQ(listener.calls(), 1);
}

TEST_F(UploadGrpcTest, ListenerStartedLaterStillLearnsOfItAlsoAfterARestart) {
  int port;
  {
    Listener nobody;
    port = GrpcServer(&nobody).port();
  }
  const std::string target = "127.0.0.1:" + std::to_string(port);
  std::vector<std::string> uploads;
  for (int restart = 0; restart < 2; ++restart) {
    Replica replica(store_, Announcing({target}));
    std::string upload = tus_.Create(replica.url(), 5);
    ASSERT_EQ(tus_.Patch(upload, 0, "12345").status, 204);
    uploads.push_back(upload);
    WaitFor("it is pending", [&] { return replica.Metric("vora_upload_announce_pending") >= restart + 1; });
    EXPECT_FALSE(Announced());
  }
  Replica replica(store_, Announcing({target}));
  Listener listener;
  listener.Refuse(2);
  GrpcServer server(&listener, port);
  for (const std::string& upload : uploads) {
    WaitFor("the announcement arrives", [&] { return listener.Taken(IdOf(upload)).has_value(); });
  }
  WaitFor("the outbox is empty", [&] { return Announced(); });
}

TEST_F(UploadGrpcTest, EveryListenerMustAcknowledge) {
  Listener first, second;
  GrpcServer one(&first), two(&second);
  second.Refuse(3);
  Replica replica(store_, Announcing({one.target(), two.target()}));
  std::string upload = tus_.Create(replica.url(), 0);
  WaitFor("both have taken it", [&] { return first.Taken(IdOf(upload)) && second.Taken(IdOf(upload)); });
  WaitFor("the outbox is empty", [&] { return Announced(); });
  EXPECT_EQ(first.calls(), 1) << "who has acknowledged is left alone";
  EXPECT_EQ(second.calls(), 4);
}

TEST_F(UploadGrpcTest, FailedUploadsAreNotAnnounced) {
  Listener listener;
  GrpcServer server(&listener);
  Replica replica(store_, Announcing({server.target()}));
  std::string bad = tus_.Create(replica.url(), 5, {{"Upload-Metadata", "sha256 " + Base64Encode(std::string(64, '0'))}});
  ASSERT_EQ(tus_.Patch(bad, 0, "12345").status, 460);
  std::string good = tus_.Create(replica.url(), 0);
  WaitFor("the good one arrives", [&] { return listener.Taken(IdOf(good)).has_value(); });
  EXPECT_FALSE(listener.Taken(IdOf(bad)));
}

// The daemon dies after any number of store calls while finishing: the listener still learns of the upload.
TEST_F(UploadGrpcTest, AnnouncementSurvivesACrashAtAnyStep) {
  Listener listener;
  GrpcServer server(&listener);
  bool crashed = true;
  for (int calls = 0; crashed; ++calls) {
    SCOPED_TRACE("after " + std::to_string(calls) + " calls");
    auto victim = std::make_unique<Replica>(store_, Announcing({server.target()}));
    std::string upload = tus_.Create(victim->url(), 5);
    store_.GoAwayAfter(calls, false);
    (void)tus_.Patch(upload, 0, "12345");
    // The announcer may make the last call a little later.
    if (!store_.away()) WaitFor("the announcement arrives", [&] { return store_.away() || listener.Taken(IdOf(upload)).has_value(); });
    crashed = store_.away() && calls < 60;
    victim->Stop();
    store_.SetAway(false);
    Replica heir(store_, Announcing({server.target()}));
    upload = At(upload, heir);
    int64_t offset = tus_.Offset(upload);
    ASSERT_GE(offset, 0);
    if (offset < 5) {
      ASSERT_EQ(tus_.Patch(upload, offset, std::string("12345").substr(static_cast<size_t>(offset))).status, 204);
    }
    WaitFor("the announcement arrives", [&] { return listener.Taken(IdOf(upload)).has_value(); });
    WaitFor("the outbox is empty", [&] { return Announced(); });
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace vora::upload
