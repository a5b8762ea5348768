#include "services/metadata/harness_test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>

#include "libs/ladder/ladder.h"
#include "libs/pg/testing/test_postgres.h"
#include "libs/rpc/client.h"
#include "libs/rpc/status.h"
#include "libs/testing/status_matchers.h"
#include "vora/upload/v1/upload.grpc.pb.h"

extern char** environ;

namespace vora::metadata {
namespace {

pg::DatabaseOptions FreshDatabase() {
  pg::DatabaseOptions options;
  options.url = pg::TestPostgres::Shared().NewDatabase();
  return options;
}

}  // namespace

Repos::Repos()
    : store(FreshDatabase(), metrics),
      videos(store, "http://edge"),
      records(store, metrics, std::chrono::milliseconds(0)),
      encodes(store, std::chrono::milliseconds(0)),
      outbox(store),
      progress(store),
      ladders(store),
      presentations(store) {
  const Status opened = store.Open();
  EXPECT_THAT(opened, IsOk());
  EXPECT_THAT(ladders.Install(ladder::ShippedLadders(), std::nullopt), IsOk());
}

NewVideo SomeVideo(const std::string& upload_id) {
  NewVideo video;
  video.tenant = "default";
  video.upload_id = upload_id;
  video.source_key = "raw/" + upload_id + "/original";
  video.title = "Title of " + upload_id;
  video.filename = upload_id + ".mp4";
  video.source_bytes = 1000;
  return video;
}

upload::v1::Upload FinishedUpload(const std::string& upload_id) {
  upload::v1::Upload upload;
  upload.set_upload_id(upload_id);
  upload.set_tenant("default");
  upload.set_state(upload::v1::UPLOAD_STATE_UPLOADED);
  upload.set_offset(1000);
  upload.set_length(1000);
  upload.set_object_key("raw/" + upload_id + "/original");
  (*upload.mutable_metadata())["filename"] = "holiday.mp4";
  return upload;
}

media::v1::MediaInfo SomeMedia() {
  media::v1::MediaInfo media;
  media.set_container("mov,mp4");
  media.set_bytes(1000);
  media.set_duration_seconds(12);
  auto* video = media.mutable_video();
  video->set_codec("h264");
  video->set_width(1280);
  video->set_height(720);
  video->set_frame_rate_num(25);
  video->set_frame_rate_den(1);
  video->set_frames(300);
  auto* audio = media.add_audio();
  audio->set_stream_index(1);
  audio->set_codec("aac");
  audio->set_sample_rate(48000);
  audio->set_channels(2);
  audio->set_duration_seconds(12);
  audio->set_language("en");
  return media;
}

workflow::v1::RecordPlanInput SomePlan(const std::string& video_id) {
  workflow::v1::RecordPlanInput input;
  input.set_video_id(video_id);
  *input.mutable_media() = SomeMedia();
  const auto add_video = [&](const char* name, int width, int height, int64_t bitrate) {
    auto* track = input.mutable_plan()->add_tracks();
    track->set_name(name);
    track->set_kind("video");
    track->mutable_rung()->set_max_bitrate(bitrate);
    track->set_width(width);
    track->set_height(height);
    track->set_frame_rate_num(25);
    track->set_frame_rate_den(1);
    track->set_timescale(25);
    track->set_segments_total(3);
    track->set_segment_seconds(4);
    track->set_codecs("avc1.64001f");
  };
  add_video("360p", 640, 360, 800'000);
  add_video("720p", 1280, 720, 2'800'000);
  auto* audio = input.mutable_plan()->add_tracks();
  audio->set_name("audio_0");
  audio->set_kind("audio");
  audio->mutable_audio()->set_bitrate(128'000);
  audio->mutable_audio()->set_sample_rate(48000);
  audio->mutable_audio()->set_channels(2);
  audio->set_timescale(48000);
  audio->set_segments_total(3);
  audio->set_segment_seconds(4);
  audio->set_source_stream_index(1);
  audio->set_codecs("mp4a.40.2");
  for (int chunk = 0; chunk < 2; ++chunk) {
    auto* plan = input.mutable_plan()->add_chunks();
    plan->set_index(chunk);
    plan->set_first_segment(chunk);
    plan->set_segment_count(chunk + 1);
  }
  return input;
}

workflow::v1::RecordSegmentsInput SomeSegments(const std::string& video_id, const std::string& track, int first, int count) {
  workflow::v1::RecordSegmentsInput input;
  input.set_video_id(video_id);
  input.mutable_segments()->set_track(track);
  input.mutable_segments()->set_codecs(track == "audio_0" ? "mp4a.40.2" : "avc1.640028");
  for (int index = first; index < first + count; ++index) {
    auto* segment = input.mutable_segments()->add_segments();
    segment->set_index(index);
    segment->set_duration(track == "audio_0" ? 4 * 48000 : 100);
    segment->set_bytes(100'000 * (index + 1));
  }
  return input;
}

DaemonProcess::DaemonProcess(std::string binary, std::map<std::string, std::string> environment)
    : binary_(std::move(binary)), environment_(std::move(environment)), port_(FreePort()) {
  environment_["VORA_GRPC_LISTEN"] = grpc();
  environment_["VORA_ADMIN_LISTEN"] = "127.0.0.1:0";
  environment_["VORA_LOG_LEVEL"] = "warn";
  environment_.insert({"VORA_AUTH", "none"});
}

DaemonProcess::~DaemonProcess() = default;

void DaemonProcess::Start() {
  process_.reset();
  process_ = std::make_unique<ChildProcess>(binary_, std::vector<std::string>{}, environment_);
}

void DaemonProcess::Kill() { process_.reset(); }

bool DaemonProcess::WaitReady() {
  return rpc::Connect(grpc())->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30));
}

TestApp::TestApp(AppOptions options, Authorization authorization) {
  options.http_listen = "127.0.0.1:0";
  if (options.database_url.empty()) options.database_url = pg::TestPostgres::Shared().NewDatabase();
  // Nothing listens there: a neighbour that is away.
  if (options.orchestrator == AppOptions().orchestrator) options.orchestrator = "127.0.0.1:1";
  if (options.upload == AppOptions().upload) options.upload = "127.0.0.1:1";
  if (options.public_url == AppOptions().public_url) options.public_url = "http://edge";
  app_ = std::make_unique<MetadataApp>(options, std::move(authorization), metrics_,
                                       [](const Status& reason) { ADD_FAILURE() << ToText(reason); });
  const Status started = app_->Start();
  EXPECT_THAT(started, IsOk());
  auto server = rpc::Server::Start({}, app_->services(), readiness_, metrics_);
  EXPECT_THAT(server, IsOk());
  server_ = *std::move(server);
  readiness_.SetStarted();
  channel_ = rpc::Connect("127.0.0.1:" + std::to_string(server_->port()));
}

TestApp::~TestApp() {
  app_->Stop(std::chrono::seconds(5));
  server_->Shutdown(std::chrono::seconds(5));
  server_.reset();
}

std::string TestApp::url() const { return "http://127.0.0.1:" + std::to_string(app_->http_port()); }

TestApp::Answer TestApp::Call(const std::string& method, const std::string& path, const std::string& body, const http::Headers& headers) {
  http::ClientRequest request;
  request.method = method;
  request.url = url() + path;
  request.headers = headers;
  request.body = body;
  http::Client client;
  const auto response = client.Do(request);
  EXPECT_THAT(response, IsOk()) << method << " " << path;
  if (!response.ok()) return {};
  return {response->status, response->body, response->headers};
}

Status TestApp::Announce(const upload::v1::Upload& upload) {
  grpc::ClientContext context;
  rpc::Prepare(context, std::chrono::seconds(10));
  upload::v1::UploadFinishedRequest request;
  *request.mutable_upload() = upload;
  upload::v1::UploadFinishedResponse response;
  return rpc::FromGrpc(upload::v1::UploadListener::NewStub(channel_)->UploadFinished(&context, request, &response));
}

}  // namespace vora::metadata
