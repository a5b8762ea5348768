#pragma once

namespace vora::media {

// FFmpeg's own messages of this process: only errors, to stderr, and at most a few hundred, so that a damaged file cannot flood the log.
void LimitFfmpegLog();

}  // namespace vora::media
