#pragma once

// What a child does in each role. `jobs` are the serialised input messages.

#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/media/base/byte_source.h"

namespace vora::transcode {

inline constexpr int kChildSocket = 3;
inline constexpr int kChildFirstShared = 4;

// Each returns the payload of the result message.
// jobs[0]: ProbeInput. Result: MediaInfo.
StatusOr<std::string> RunProbe(media::ByteSource& source);
// jobs: EncodeChunkInput per rendition, with the shared frames of rendition i at descriptor 4+i. Result: seconds as text.
StatusOr<std::string> RunDecode(media::ByteSource& source, const std::vector<std::string>& jobs);
// jobs[0]: EncodeChunkInput; frames at descriptor 4. Sends the segments. Result: CPU seconds as text.
StatusOr<std::string> RunEncode(const std::vector<std::string>& jobs);
// jobs[0]: EncodeAudioInput. Sends the segments. Result: empty.
StatusOr<std::string> RunAudio(media::ByteSource& source, const std::vector<std::string>& jobs);
// jobs[0]: ExtractPosterInput. Result: the JPEG.
StatusOr<std::string> RunPoster(media::ByteSource& source, const std::vector<std::string>& jobs);
// jobs[0]: ExtractStoryboardInput. Sends the sheets as segments (JPEG). Result: empty.
StatusOr<std::string> RunStoryboard(media::ByteSource& source, const std::vector<std::string>& jobs);
// jobs[0]: ExtractSubtitlesInput. Sends WebVTT as segments, by index in MediaInfo.subtitles. Result: ExtractSubtitlesResult with warnings
// only.
StatusOr<std::string> RunSubtitles(media::ByteSource& source, const std::vector<std::string>& jobs);

}  // namespace vora::transcode
