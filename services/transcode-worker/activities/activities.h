#pragma once

// Every activity of the queue `transcode`, as handlers for the activity worker.

#include "libs/workflow/worker/activity_worker.h"
#include "services/transcode-worker/activities/worker_context.h"
#include "services/transcode-worker/child/child_roles.h"

namespace vora::transcode {

workflow::ActivityOutcome ProbeSource(const WorkerContext& context, workflow::ActivityExecution& execution);
workflow::ActivityOutcome EncodeAudio(const WorkerContext& context, workflow::ActivityExecution& execution);
workflow::ActivityOutcome ExtractPoster(const WorkerContext& context, workflow::ActivityExecution& execution);
// The part of the video that a child of `role` makes: its objects, and then the one that names them.
workflow::ActivityOutcome ExtractPart(const WorkerContext& context, workflow::ActivityExecution& execution, const ChildRole& role);
// {prefix}/{track}/seg_0.vtt and playlist.m3u8 of every text subtitle track.
workflow::ActivityOutcome ExtractSubtitles(const WorkerContext& context, workflow::ActivityExecution& execution);
workflow::ActivityOutcome PlanVideo(const WorkerContext& context, workflow::ActivityExecution& execution);
workflow::ActivityOutcome PublishTrack(const WorkerContext& context, workflow::ActivityExecution& execution);
workflow::ActivityOutcome PublishMasters(const WorkerContext& context, workflow::ActivityExecution& execution);
// {prefix}/download.mp4 of published tracks.
workflow::ActivityOutcome MakeMp4(const WorkerContext& context, workflow::ActivityExecution& execution);
workflow::ActivityOutcome DeletePrefix(const WorkerContext& context, workflow::ActivityExecution& execution);

// Registers all of them, one for each role of children that makes a part, media.EncodeGroup, and media.EncodeChunk. `context` must outlive
// the worker.
void RegisterActivities(const WorkerContext& context, workflow::ActivityWorker& worker);

}  // namespace vora::transcode
