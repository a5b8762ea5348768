#pragma once

// Progress of renditions and videos from what is published and what the orchestrator says is under way. Pure functions.

#include <map>
#include <string>
#include <vector>

#include "vora/metadata/v1/metadata.pb.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::metadata {

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

// Types of the activities that count begin with it.
inline constexpr char kMediaPrefix[] = "media.";
// What runs, or waits for another attempt; their progress counts in segments.
using ActivitySums = google::protobuf::RepeatedPtrField<workflow::v1::ActivityProgress>;

// The rendition as it should now be shown. Progress never goes backwards and stays below 100 until DONE; DONE and FAILED are left alone.
RenditionView Advance(RenditionView rendition, const ActivitySums& activities);
// Whether people would see a difference.
bool Differs(const RenditionView& a, const RenditionView& b);
// How far a file is brought in, and why it waits.
struct ImportView {
  int percent = 0;
  std::string problem;
  bool operator==(const ImportView&) const = default;
};
ImportView Advance(ImportView import, const ActivitySums& activities);
// Attempts beyond the first, over all activities.
int Retries(const RenditionView& rendition);
// 0 to 100 over all renditions that did not fail, each weighted by the work it takes.
int VideoPercent(const std::vector<RenditionView>& renditions);

}  // namespace vora::metadata
