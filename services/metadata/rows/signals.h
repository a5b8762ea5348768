#pragma once

// What repositories tell the rest of the process after a commit. Both must be quick and thread-safe; unset ones are skipped.

#include <functional>
#include <string>

namespace vora::metadata {

struct Signals {
  std::function<void(const std::string& video_id)> video_changed;
  std::function<void()> outbox_added;
};

}  // namespace vora::metadata
