#include "libs/media/base/ffmpeg_log.h"

#include <atomic>
#include <cstdarg>

#include "libs/media/base/av_internal.h"

namespace vora::media {
namespace {

constexpr int kMaxMessages = 300;
// Atomic, since decoder threads log as well.
std::atomic<int> messages{0};

void Log(void* context, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_ERROR || messages.fetch_add(1) >= kMaxMessages) return;
  av_log_default_callback(context, level, format, arguments);
}

}  // namespace

void LimitFfmpegLog() {
  av_log_set_level(AV_LOG_ERROR);
  av_log_set_callback(&Log);
}

}  // namespace vora::media
