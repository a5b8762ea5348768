#pragma once

// Events of videos for those who fetch them: deliveries of a webhook without an address. Thread-safe. Bound to a tenant.

#include <chrono>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "vora/metadata/v1/events.pb.h"

namespace vora::metadata {

class Store;

inline constexpr int kMaxEvents = 200;  // of a call

struct EventBacklog {
  int64_t pending = 0;        // not acknowledged, over all subscriptions
  double oldest_seconds = 0;  // age of the oldest of them
};

class SubscriptionRepo {
 public:
  explicit SubscriptionRepo(Store& store) : store_(store) {}

  // See EventService.
  StatusOr<v1::FetchEventsResponse> Fetch(const std::string& tenant, const v1::FetchEventsRequest& request);
  StatusOr<v1::AcknowledgeEventsResponse> Acknowledge(const std::string& tenant, const v1::AcknowledgeEventsRequest& request);
  StatusOr<EventBacklog> Backlog();
  // Drops subscriptions that nobody has fetched from for `age`, with what they hold.
  StatusOr<int64_t> Purge(std::chrono::hours age);

 private:
  Store& store_;
};

}  // namespace vora::metadata
