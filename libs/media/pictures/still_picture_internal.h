#pragma once

// Single pictures as JPEG: full range, BT.601, as JPEG readers expect.

#include <string>

#include "libs/core/status.h"
#include "libs/media/base/av_internal.h"
#include "libs/media/base/frame_layout.h"

namespace vora::media {

// `frame` scaled into `out`, which has layout.bytes. `flags` beside SWS_BICUBIC.
Status ScaleToStill(const AVFrame& frame, const FrameLayout& layout, int flags, std::string* out);
// `quality` as of MJPEG's qscale: 2 is the best, 31 the worst. The same pixels give the same bytes.
StatusOr<std::string> EncodeJpeg(std::string& pixels, const FrameLayout& layout, int quality);

}  // namespace vora::media
