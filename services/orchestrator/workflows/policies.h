#pragma once

// How activities are queued, timed and retried. Options may change at any time: they are not compared on replay.

#include <string>

#include "vora/workflow/v1/workflow.pb.h"

namespace vora::workflows {

// Within a run: among videos the scheduler decides.
inline constexpr int kProbePriority = 100;
inline constexpr int kPublishPriority = 95;  // short, and a track waits for it
inline constexpr int kAudioPriority = 90;
inline constexpr int kFirstChunkPriority = 80;  // less the chunk's index: early chunks first, across renditions
inline constexpr int kOtherSoundPriority = kFirstChunkPriority - 2;
inline constexpr int kCaptionsPriority = kFirstChunkPriority;  // scheduled after the first chunks, so done right after them: little work
// Short, and the video waits for it in the end.
inline constexpr int kPosterPriority = kFirstChunkPriority - 1;
// After all chunks of the video: players can do without them for a while.
inline constexpr int kPartPriority = 9;

// Media work on the queue `transcode`: 5 attempts, none after a `media.*` failure, which the source will give again and again.
workflow::v1::ActivityOptions MediaOptions(int priority, double estimated_cost);
// Encoding a chunk. Its segments are written once, whoever encodes them, so it may be begun a second time while a slow worker is at it.
workflow::v1::ActivityOptions ChunkOptions(int index, double estimated_cost);
// Bringing in a file, on the queue `import`: tried for about a day, since a source may be away for as long.
workflow::v1::ActivityOptions ImportOptions();
// Of an activity that reads `source_key`: a source of others may be away for longer than our own store, so pauses are longer.
workflow::v1::ActivityOptions Reading(const std::string& source_key, workflow::v1::ActivityOptions options);
// Deleting on the queue `transcode`: repeated until it is done, however long the backlog, or the outage, is.
workflow::v1::ActivityOptions DeleteOptions();
// State changes on the queue `metadata`: repeated until they are stored, since the database behind them comes back.
workflow::v1::ActivityOptions MetadataOptions();

}  // namespace vora::workflows
