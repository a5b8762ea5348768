#include "services/metadata/rows/video_state.h"

#include <string>
#include <utility>

namespace vora::metadata {
namespace {

struct VideoTransition {
  v1::VideoState from, to;
};

// A retry of a playable video passes through PROCESSING to PARTIALLY_READY in one transaction.
constexpr VideoTransition kVideoTransitions[] = {
    {v1::VIDEO_STATE_CREATED, v1::VIDEO_STATE_PROCESSING},
    {v1::VIDEO_STATE_CREATED, v1::VIDEO_STATE_FAILED},  // the orchestrator refused it for good
    {v1::VIDEO_STATE_CREATED, v1::VIDEO_STATE_CANCELLED},
    {v1::VIDEO_STATE_PROCESSING, v1::VIDEO_STATE_PARTIALLY_READY},
    {v1::VIDEO_STATE_PROCESSING, v1::VIDEO_STATE_READY},
    {v1::VIDEO_STATE_PROCESSING, v1::VIDEO_STATE_FAILED},
    {v1::VIDEO_STATE_PROCESSING, v1::VIDEO_STATE_CANCELLED},
    {v1::VIDEO_STATE_PARTIALLY_READY, v1::VIDEO_STATE_READY},
    {v1::VIDEO_STATE_PARTIALLY_READY, v1::VIDEO_STATE_FAILED},
    {v1::VIDEO_STATE_PARTIALLY_READY, v1::VIDEO_STATE_CANCELLED},
    {v1::VIDEO_STATE_READY, v1::VIDEO_STATE_PROCESSING},      // retry of failed renditions
    {v1::VIDEO_STATE_FAILED, v1::VIDEO_STATE_PROCESSING},     // retry
    {v1::VIDEO_STATE_CANCELLED, v1::VIDEO_STATE_PROCESSING},  // retry
};

struct RenditionTransition {
  v1::RenditionState from, to;
};

constexpr RenditionTransition kRenditionTransitions[] = {
    {v1::RENDITION_STATE_PENDING, v1::RENDITION_STATE_PROCESSING},
    {v1::RENDITION_STATE_PENDING, v1::RENDITION_STATE_RETRYING},  // its first attempt failed before it was seen running
    {v1::RENDITION_STATE_PENDING, v1::RENDITION_STATE_FAILED},
    {v1::RENDITION_STATE_PROCESSING, v1::RENDITION_STATE_PENDING},  // cancelled, or the video is retried
    {v1::RENDITION_STATE_PROCESSING, v1::RENDITION_STATE_RETRYING},
    {v1::RENDITION_STATE_PROCESSING, v1::RENDITION_STATE_DONE},
    {v1::RENDITION_STATE_PROCESSING, v1::RENDITION_STATE_FAILED},
    {v1::RENDITION_STATE_RETRYING, v1::RENDITION_STATE_PENDING},
    {v1::RENDITION_STATE_RETRYING, v1::RENDITION_STATE_PROCESSING},
    {v1::RENDITION_STATE_RETRYING, v1::RENDITION_STATE_DONE},
    {v1::RENDITION_STATE_RETRYING, v1::RENDITION_STATE_FAILED},
    {v1::RENDITION_STATE_FAILED, v1::RENDITION_STATE_PENDING},  // the video is retried
};

template <typename State>
StatusOr<bool> Check(State from, State to, const char* what) {
  if (from == to) return false;
  if (IsAllowed(from, to)) return true;
  std::string text = std::string(what) + " cannot go from " + std::string(StateName(from)) + " to " + std::string(StateName(to));
  return FailedPrecondition(text);
}

std::string_view StripPrefix(std::string_view name, std::string_view prefix) {
  return name.substr(0, prefix.size()) == prefix ? name.substr(prefix.size()) : name;
}

}  // namespace

bool IsAllowed(v1::VideoState from, v1::VideoState to) {
  for (const auto& t : kVideoTransitions) {
    if (t.from == from && t.to == to) return true;
  }
  return false;
}

bool IsAllowed(v1::RenditionState from, v1::RenditionState to) {
  for (const auto& t : kRenditionTransitions) {
    if (t.from == from && t.to == to) return true;
  }
  return false;
}

StatusOr<bool> CheckTransition(v1::VideoState from, v1::VideoState to) { return Check(from, to, "a video"); }
StatusOr<bool> CheckTransition(v1::RenditionState from, v1::RenditionState to) { return Check(from, to, "a rendition"); }

bool IsFinal(v1::VideoState state) {
  return state == v1::VIDEO_STATE_READY || state == v1::VIDEO_STATE_FAILED || state == v1::VIDEO_STATE_CANCELLED;
}

bool IsFinal(v1::RenditionState state) { return state == v1::RENDITION_STATE_DONE || state == v1::RENDITION_STATE_FAILED; }

std::string_view StateName(v1::VideoState state) { return StripPrefix(v1::VideoState_Name(state), "VIDEO_STATE_"); }
std::string_view StateName(v1::RenditionState state) { return StripPrefix(v1::RenditionState_Name(state), "RENDITION_STATE_"); }

std::optional<v1::VideoState> ParseVideoState(std::string_view name) {
  v1::VideoState state;
  if (!v1::VideoState_Parse("VIDEO_STATE_" + std::string(name), &state) || state == v1::VIDEO_STATE_UNSPECIFIED) return std::nullopt;
  return state;
}

std::optional<v1::RenditionState> ParseRenditionState(std::string_view name) {
  v1::RenditionState state;
  if (!v1::RenditionState_Parse("RENDITION_STATE_" + std::string(name), &state) || state == v1::RENDITION_STATE_UNSPECIFIED) {
    return std::nullopt;
  }
  return state;
}

}  // namespace vora::metadata
