#pragma once

// Small pictures of the whole video, laid out on sheets, for the preview of a seek bar.

#include <functional>
#include <string>

#include "libs/core/status.h"
#include "libs/media/base/byte_source.h"
#include "vora/media/v1/media.pb.h"

namespace vora::media {

struct StoryboardPlan {
  int tile_width = 0;  // even; the shape of the picture, at most 160 x 288, never enlarged
  int tile_height = 0;
  int tiles = 0;  // at most 300, 100 on a sheet of 10 columns
  double interval_seconds = 0;
  double duration_seconds = 0;

  int sheets() const;
  int TilesOn(int sheet) const;
  int Columns(int sheet) const;
  int Rows(int sheet) const;
};
// One picture a second, or fewer of a long video. Pure.
StoryboardPlan PlanStoryboard(const media::v1::MediaInfo& media);
// WebVTT whose cues name the tiles, `storyboard_0.jpg#xywh=160,0,160,90` (W3C Media Fragments 1.0, section 4.2.2). Pure.
std::string StoryboardVtt(const StoryboardPlan& plan);

// Gives every sheet as JPEG, in order; an error of `on_sheet` ends the work. Pictures come from key frames where these are near enough,
// else exactly from the middle of their interval, as long as that stays cheap. A part that cannot be decoded repeats the picture before it.
// The same source gives the same bytes. media.unreadable when there is no picture at all.
Status MakeStoryboard(ByteSource& source, const media::v1::MediaInfo& media,
                      const std::function<Status(int sheet, std::string jpeg)>& on_sheet);

}  // namespace vora::media
