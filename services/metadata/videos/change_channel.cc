#include "services/metadata/videos/change_channel.h"

#include <algorithm>
#include <sstream>

#include "libs/core/ids.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/videos/watch_hub.h"

namespace vora::metadata {
namespace {

constexpr char kNotify[] = "SELECT pg_notify($1, $2)";
constexpr size_t kIdsPerMessage = 200;  // a payload ends at 8000 bytes

}  // namespace

ChangeChannel::ChangeChannel(Store& store) : store_(store), replica_(RandomHex(8)) {}

void ChangeChannel::Announce(const std::vector<std::string>& video_ids) {
  for (size_t from = 0; from < video_ids.size(); from += kIdsPerMessage) {
    std::string payload = replica_;
    for (size_t i = from; i < std::min(from + kIdsPerMessage, video_ids.size()); ++i) payload += " " + video_ids[i];
    const Status sent = store_.Transact([&](pqxx::work& tx) -> Status {
      tx.exec_params(kNotify, std::string(kName), payload);
      return absl::OkStatus();
    });
    if (!sent.ok()) return;
  }
}

void ChangeChannel::Receive(const std::string& payload, WatchHub& hub) const {
  std::istringstream words(payload);
  std::string replica, id;
  words >> replica;
  if (replica == replica_) return;
  std::vector<std::string> ids;
  while (words >> id) {
    // Whatever may connect to the database may notify on the channel.
    if (IsId(id)) ids.push_back(id);
  }
  hub.ChangedElsewhere(ids);
}

}  // namespace vora::metadata
