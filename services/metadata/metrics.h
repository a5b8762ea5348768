#pragma once

// Every metric of the metadata daemon, beside those of the libraries it uses. Gauges of videos and of the outbox tell of the whole
// database: all replicas say the same.

#include "libs/obs/family.h"

namespace vora::metadata {

inline obs::FamilySet kMetrics{"services/metadata"};

inline const obs::GaugeFamily kVideos{kMetrics, "vora_videos", "Videos by state, over all replicas.", {"state"}};
inline const obs::GaugeFamily kOutboxPending{kMetrics, "vora_outbox_pending", "Outbox rows the orchestrator has not taken yet."};
inline const obs::GaugeFamily kOutboxOldestAge{kMetrics, "vora_outbox_oldest_age_seconds",
                                               "Age of the oldest of these rows; 0 without one."};
inline const obs::GaugeFamily kWatchers{kMetrics, "vora_watchers", "Open watches of this replica, gRPC and SSE."};
inline const obs::HistogramFamily kTimeToPlayable{kMetrics,
                                                  "vora_video_time_to_playable_seconds",
                                                  "Time from the creation of a video until one rendition could be played; first runs only.",
                                                  {},
                                                  obs::WorkBuckets()};
inline const obs::HistogramFamily kProcessing{kMetrics,
                                              "vora_video_processing_seconds",
                                              "Time from the creation of a video until it was ready, failed or cancelled; first runs only.",
                                              {"result"},
                                              obs::WorkBuckets()};

inline const obs::CounterFamily kWebhookDeliveries{
    kMetrics, "vora_webhook_deliveries_total", "Attempts to deliver webhooks: delivered, failed, refused (its address), dead.", {"result"}};
inline const obs::GaugeFamily kWebhooksPending{kMetrics, "vora_webhooks_pending",
                                               "Webhook deliveries still to be made, over all replicas."};
inline const obs::GaugeFamily kWebhooksOldestAge{
    kMetrics, "vora_webhooks_oldest_age_seconds",
    "How long the oldest of them has been due, without those of receivers that do not answer."};
inline const obs::GaugeFamily kEventsPending{kMetrics, "vora_video_events_pending",
                                             "Events that subscriptions have not acknowledged, over all of them and all replicas."};
inline const obs::GaugeFamily kEventsOldestAge{kMetrics, "vora_video_events_oldest_age_seconds",
                                               "Age of the oldest of these; 0 without one."};

}  // namespace vora::metadata
