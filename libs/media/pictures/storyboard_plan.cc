#include <algorithm>
#include <cmath>

#include "libs/layout/layout.h"
#include "libs/media/captions/webvtt.h"
#include "libs/media/pictures/storyboard.h"

namespace vora::media {
namespace {

constexpr int kMaxTileWidth = 160;
constexpr int kMaxTileHeight = 288;
constexpr int kMaxTiles = 300;
constexpr int kColumns = 10;
constexpr int kTilesPerSheet = 100;

int Even(double value) { return std::max(2, 2 * static_cast<int>(std::lround(value / 2))); }

std::string Time(double seconds) { return VttTime(std::llround(seconds * 1000)); }

}  // namespace

int StoryboardPlan::sheets() const { return (tiles + kTilesPerSheet - 1) / kTilesPerSheet; }
int StoryboardPlan::TilesOn(int sheet) const { return std::clamp(tiles - sheet * kTilesPerSheet, 0, kTilesPerSheet); }
int StoryboardPlan::Columns(int sheet) const { return std::min(TilesOn(sheet), kColumns); }
int StoryboardPlan::Rows(int sheet) const { return (TilesOn(sheet) + kColumns - 1) / kColumns; }

StoryboardPlan PlanStoryboard(const media::v1::MediaInfo& media) {
  StoryboardPlan plan;
  const double width = std::max(2, media.video().width()), height = std::max(2, media.video().height());
  const double scale = std::min({1.0, kMaxTileWidth / width, kMaxTileHeight / height});
  plan.tile_width = Even(width * scale);
  plan.tile_height = Even(height * scale);
  plan.duration_seconds = std::max(0.001, media.duration_seconds());
  // A shade less, so that 300.0000001 s are 300 pictures.
  plan.interval_seconds = std::max(1.0, std::ceil(plan.duration_seconds / kMaxTiles - 1e-6));
  plan.tiles = std::max(1, static_cast<int>(std::ceil(plan.duration_seconds / plan.interval_seconds - 1e-6)));
  return plan;
}

std::string StoryboardVtt(const StoryboardPlan& plan) {
  std::string out = "WEBVTT\n";
  for (int i = 0; i < plan.tiles; ++i) {
    const int sheet = i / kTilesPerSheet, place = i % kTilesPerSheet;
    const double start = i * plan.interval_seconds;
    const double end = i + 1 == plan.tiles ? std::max(plan.duration_seconds, start + 0.001) : start + plan.interval_seconds;
    out += "\n" + Time(start) + " --> " + Time(end) + "\n" + layout::StoryboardSheet(sheet) +
           "#xywh=" + std::to_string(place % kColumns * plan.tile_width) + "," + std::to_string(place / kColumns * plan.tile_height) + "," +
           std::to_string(plan.tile_width) + "," + std::to_string(plan.tile_height) + "\n";
  }
  return out;
}

}  // namespace vora::media
