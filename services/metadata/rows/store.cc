#include "services/metadata/rows/store.h"

#include "libs/pg/migrate.h"
#include "services/metadata/rows/embedded.h"

namespace vora::metadata {

Status Store::Open() {
  VORA_RETURN_IF_ERROR(pg::Migrate(db_, "metadata", Migrations()));
  // Only now: before, a repository would meet tables that are not there, or not as it expects them.
  open_ = true;
  return absl::OkStatus();
}

Status Store::CheckOpen() const {
  return open_ ? absl::OkStatus() : Unavailable("the database has not been reached yet; try again shortly");
}

Status Store::Check() {
  VORA_RETURN_IF_ERROR(CheckOpen());
  return db_.Ping();
}

void Store::VideoChanged(const std::string& video_id) const {
  if (signals_.video_changed) signals_.video_changed(video_id);
}

void Store::OutboxAdded() const {
  if (signals_.outbox_added) signals_.outbox_added();
}

}  // namespace vora::metadata
