#pragma once

// Ladders as data, and the plan made of a source and a ladder. Pure functions, used by the workflow (so: deterministic for ever; a change
// of rules is a new workflow version).

#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "vora/media/v1/media.pb.h"

namespace vora::ladder {

// 360p, 720p, 1080p; H.264 + AAC; 4 s segments, 2 s GOPs.
media::v1::Ladder DefaultLadder();
// From JSON (proto3 mapping). INVALID_ARGUMENT names the field and the limit.
StatusOr<media::v1::Ladder> ParseLadder(std::string_view json);
Status ValidateLadder(const media::v1::Ladder& ladder);

// Tracks and chunks. Never upscaled: rungs higher than the source are left out; when all are, one rung at the source's height remains.
// Portrait video: `height` of a rung is the shorter side. Even width and height, aspect ratio kept. FAILED_PRECONDITION of a kind
// errors::kMedia... when nothing can be made.
StatusOr<media::v1::Plan> MakePlan(const media::v1::MediaInfo& media, const media::v1::Ladder& ladder);

}  // namespace vora::ladder
