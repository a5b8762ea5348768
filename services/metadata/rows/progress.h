#pragma once

// Progress of renditions and videos from what is published and what the orchestrator says is in flight. Pure functions.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "vora/metadata/v1/metadata.pb.h"

namespace vora::metadata {

// A pending activity of a run, as far as progress goes.
struct ActivityView {
  std::string activity_id;    // `720p/chunk/3`, `audio_0`: begins with the rendition's name
  std::string activity_type;  // only `media.*` counts
  bool started = false;
  int attempt = 1;           // from 1
  double progress = 0;       // 0 to 1
  bool has_failure = false;  // an earlier attempt failed
  std::string failure;       // why, for people
};

struct RenditionView {
  std::string name;
  bool is_video = true;
  v1::RenditionState state = v1::RENDITION_STATE_PENDING;
  int progress_percent = 0;
  int segments_done = 0;
  int segments_total = 0;
  int width = 0, height = 0;
  std::map<std::string, int> attempts;  // activity id -> attempts seen, where more than one
  std::string failure;                  // of the attempt that failed, while RETRYING
};

// Segments of each chunk of the video tracks, by chunk index.
using ChunkLengths = std::map<int, int>;

// The rendition as it should now be shown. Progress never goes backwards and stays below 100 until DONE; DONE and FAILED are left alone.
RenditionView Advance(RenditionView rendition, const ChunkLengths& chunks, const std::vector<ActivityView>& activities);
// Attempts beyond the first, over all activities.
int Retries(const RenditionView& rendition);
// 0 to 100 over all renditions that did not fail, each weighted by the work it takes.
int VideoPercent(const std::vector<RenditionView>& renditions);
// The rendition an activity belongs to: its id up to the first '/'.
std::string_view RenditionOfActivity(std::string_view activity_id);
// 3 for `720p/chunk/3`; -1 when the id names no chunk.
int ChunkOfActivity(std::string_view activity_id);

}  // namespace vora::metadata
