#pragma once

// Ladders as data, and the plan made of a source and a ladder. Pure functions, used by the workflow (so: deterministic for ever; a change
// of rules is a new workflow version).

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "vora/media/v1/media.pb.h"

namespace vora::ladder {

// Those of shipped/, by name.
const std::vector<media::v1::Ladder>& ShippedLadders();
// The shipped one of this name.
media::v1::Ladder DefaultLadder();
// The usual value of what is not given; see PutLadderRequest.
void FillDefaults(media::v1::Ladder& ladder);
// From JSON (proto3 mapping), with defaults. INVALID_ARGUMENT names the field and the limit.
StatusOr<media::v1::Ladder> ParseLadder(std::string_view json);
Status ValidateLadder(const media::v1::Ladder& ladder);
// Without name and description: what is encoded by it, whatever it was called when that was anybody's choice.
Status ValidateRecipe(const media::v1::Ladder& ladder);

// Tracks and chunks. Never upscaled: rungs higher than the source are left out; when all are, one rung at the source's height remains.
// A ladder without rungs makes the sound only. Portrait video: `height` of a rung is the shorter side. Even width and height, aspect ratio
// kept. A track for each sound that the source has; kFirst is what runs replay that plan anew each time. FAILED_PRECONDITION of a kind
// errors::kMedia... when nothing can be made.
enum class AudioTracks { kAll, kFirst };
StatusOr<media::v1::Plan> MakePlan(const media::v1::MediaInfo& media, const media::v1::Ladder& ladder,
                                   AudioTracks audio = AudioTracks::kAll);

}  // namespace vora::ladder
