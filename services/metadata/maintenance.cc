#include "services/metadata/maintenance.h"

#include <utility>

#include "libs/ladder/ladder.h"
#include "libs/log/log.h"
#include "services/metadata/ladders/ladder_repo.h"
#include "services/metadata/metrics.h"
#include "services/metadata/processing/outbox_repo.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/rows/video_state.h"
#include "services/metadata/videos/encode_repo.h"
#include "services/metadata/videos/request_key_repo.h"
#include "services/metadata/videos/video_fields.h"
#include "services/metadata/videos/video_repo.h"
#include "services/metadata/videos/watch_hub.h"

namespace vora::metadata {
namespace {

constexpr std::chrono::milliseconds kTryAgain{500};
constexpr std::chrono::milliseconds kPause{2000};
constexpr std::chrono::hours kPurgePause{1};
constexpr std::chrono::hours kKeepDone{24 * 7};
constexpr std::chrono::hours kKeepAnswers{24};

}  // namespace

Maintenance::Maintenance(MaintenanceParts parts, obs::Metrics& metrics, std::function<void()> opened,
                         std::function<void(const Status&)> fatal)
    : parts_(std::move(parts)),
      metrics_(metrics),
      opened_(std::move(opened)),
      fatal_(std::move(fatal)),
      outbox_pending_(kOutboxPending.In(metrics)),
      outbox_oldest_(kOutboxOldestAge.In(metrics)),
      watchers_(kWatchers.In(metrics)),
      thread_("maintenance", [this] { return Step(); }) {
  for (int state = v1::VIDEO_STATE_CREATED; state <= v1::VIDEO_STATE_CANCELLED; ++state) {
    const std::string name(StateName(static_cast<v1::VideoState>(state)));
    videos_by_state_[name] = &kVideos.In(metrics_, {name});
  }
}

Status Maintenance::Open() {
  VORA_RETURN_IF_ERROR(parts_.store.Open());
  VORA_RETURN_IF_ERROR(parts_.ladders.Install(ladder::ShippedLadders(), parts_.ladder));
  open_ = true;
  opened_();
  return absl::OkStatus();
}

Status Maintenance::Begin() {
  // What is not transient, like a schema of a newer version, no repetition can cure.
  const Status opened = Open();
  if (opened.ok() || !IsTransient(opened)) return opened;
  log::Warn("the database cannot be reached yet; retrying", {{"error", ToText(opened)}});
  return absl::OkStatus();
}

std::chrono::milliseconds Maintenance::Step() {
  if (!open_) {
    const Status opened = Open();
    if (IsTransient(opened)) return kTryAgain;
    if (!opened.ok()) {
      fatal_(opened);
      return kPurgePause;
    }
    log::Info("the database is there now");
  }
  ShowGauges();
  // What it could not do now it does in the next step.
  (void)parts_.encodes.MendOlder();
  (void)parts_.encodes.DropReplaced();
  const auto now = std::chrono::steady_clock::now();
  if (now - last_purge_ >= kPurgePause && parts_.outbox.Purge(kKeepDone).ok() && parts_.request_keys.Purge(kKeepAnswers).ok()) {
    last_purge_ = now;
  }
  return kPause;
}

void Maintenance::ShowGauges() {
  watchers_.Set(static_cast<double>(parts_.hub.watchers()));
  if (const auto pending = parts_.outbox.Pending(); pending.ok()) {
    outbox_pending_.Set(static_cast<double>(pending->rows));
    outbox_oldest_.Set(pending->oldest_seconds);
  }
  const auto counts = parts_.videos.CountByState();
  if (!counts.ok()) return;
  for (const auto& [state, count] : *counts) videos_by_state_.at(state)->Set(static_cast<double>(count));
}

}  // namespace vora::metadata
