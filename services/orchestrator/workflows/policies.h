#pragma once

// How activities are queued, timed and retried. Options may change at any time: they are not compared on replay.

#include <string>

#include "vora/workflow/v1/workflow.pb.h"

namespace vora::workflows {

inline constexpr int kProbePriority = 100;
inline constexpr int kAudioPriority = 90;
inline constexpr int kFirstChunkPriority = 80;                 // less the chunk's index: early chunks first, across renditions and videos
inline constexpr int kCaptionsPriority = kFirstChunkPriority;  // scheduled after the first chunks, so done right after them: little work
inline constexpr int kPosterPriority = 10;                     // and parts below it
inline constexpr int kPublishPriority = 95;                    // short, and a track waits for it

// Media work on the queue `transcode`: 5 attempts, none after a `media.*` failure, which the source will give again and again.
workflow::v1::ActivityOptions MediaOptions(int priority, double estimated_cost);
// Deleting on the queue `transcode`: repeated for a day.
workflow::v1::ActivityOptions DeleteOptions();
// State changes on the queue `metadata`: repeated for a day, since the database behind them comes back.
workflow::v1::ActivityOptions MetadataOptions();

}  // namespace vora::workflows
