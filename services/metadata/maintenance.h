#pragma once

// What has to be done now and then: bring up the schema once the database is there, show gauges, drop old outbox rows.

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/run/periodic.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::metadata {

class EncodeRepo;
class LadderRepo;
class OutboxRepo;
class RequestKeyRepo;
class Store;
class VideoRepo;
class WatchHub;

struct MaintenanceParts {
  Store& store;
  VideoRepo& videos;
  OutboxRepo& outbox;
  LadderRepo& ladders;
  RequestKeyRepo& request_keys;
  EncodeRepo& encodes;
  WatchHub& hub;
  std::optional<media::v1::Ladder> ladder;
};

class Maintenance {
 public:
  // `opened` runs once when the store is open; `fatal` when it never will be.
  Maintenance(MaintenanceParts parts, obs::Metrics& metrics, std::function<void()> opened, std::function<void(const Status&)> fatal);
  // One try to open the store now. OK also when the database is away: Start goes on trying.
  Status Begin();
  void Start() { thread_.Start(); }
  void Stop() { thread_.Stop(); }

 private:
  std::chrono::milliseconds Step();
  Status Open();
  void ShowGauges();

  MaintenanceParts parts_;
  obs::Metrics& metrics_;
  const std::function<void()> opened_;
  const std::function<void(const Status&)> fatal_;
  obs::Gauge& outbox_pending_;
  obs::Gauge& outbox_oldest_;
  obs::Gauge& watchers_;
  std::map<std::string, obs::Gauge*> videos_by_state_;
  bool open_ = false;
  std::chrono::steady_clock::time_point last_purge_{};
  Periodic thread_;
};

}  // namespace vora::metadata
