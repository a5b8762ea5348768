#pragma once

// What this daemon's tests stand on: repositories over a fresh database, the whole daemon in process, and real neighbours as processes.

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>

#include "libs/http/client/client.h"
#include "libs/obs/metrics.h"
#include "libs/rpc/server.h"
#include "libs/run/lifecycle.h"
#include "libs/testing/child_process.h"
#include "libs/testing/eventually.h"
#include "libs/testing/free_port.h"
#include "services/metadata/ladders/ladder_repo.h"
#include "services/metadata/metadata_app.h"
#include "services/metadata/processing/outbox_repo.h"
#include "services/metadata/processing/progress_repo.h"
#include "services/metadata/processing/record_repo.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/videos/encode_repo.h"
#include "services/metadata/videos/presentation_repo.h"
#include "services/metadata/videos/video_repo.h"
#include "vora/upload/v1/upload.pb.h"

namespace vora::metadata {

// The repositories over an open store in a database of their own.
struct Repos {
  Repos();
  obs::Metrics metrics;
  Store store;
  VideoRepo videos;
  RecordRepo records;
  EncodeRepo encodes;
  OutboxRepo outbox;
  ProgressRepo progress;
  LadderRepo ladders;
  PresentationRepo presentations;
};

// A video of upload `upload_id`, ready to be created.
NewVideo SomeVideo(const std::string& upload_id);
// A finished upload as the upload daemon announces it.
upload::v1::Upload FinishedUpload(const std::string& upload_id);
// 12 s of 720p25 with audio, planned as 360p, 720p and audio_0: three segments each, in chunks of one and two.
workflow::v1::RecordPlanInput SomePlan(const std::string& video_id);
media::v1::MediaInfo SomeMedia();
workflow::v1::RecordSegmentsInput SomeSegments(const std::string& video_id, const std::string& track, int first, int count);

// Another daemon of the fleet as a process, gone with the object.
class DaemonProcess {
 public:
  DaemonProcess(std::string binary, std::map<std::string, std::string> environment);
  ~DaemonProcess();
  void Start();
  void Kill();  // SIGKILL
  int port() const { return port_; }
  std::string grpc() const { return "127.0.0.1:" + std::to_string(port_); }
  // Waits until it answers, at most half a minute.
  bool WaitReady();

 private:
  const std::string binary_;
  std::map<std::string, std::string> environment_;
  const int port_;
  std::unique_ptr<ChildProcess> process_;
};

// The daemon in process: REST and gRPC on free ports.
class TestApp {
 public:
  explicit TestApp(AppOptions options, Authorization authorization = Authorization::Open());  // fills in what is empty
  ~TestApp();

  struct Answer {
    int status = 0;
    std::string body;
    http::Headers headers;
  };
  Answer Call(const std::string& method, const std::string& path, const std::string& body = "", const http::Headers& headers = {});
  std::string url() const;
  std::shared_ptr<grpc::Channel> channel() const { return channel_; }
  // Announces a finished upload over gRPC, as the upload daemon does.
  Status Announce(const upload::v1::Upload& upload);
  Status Ready() { return app_->Ready(); }

 private:
  obs::Metrics metrics_;
  Readiness readiness_;
  std::unique_ptr<MetadataApp> app_;
  std::unique_ptr<rpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace vora::metadata
