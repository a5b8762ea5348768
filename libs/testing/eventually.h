#pragma once

#include <chrono>
#include <functional>

namespace vora {

// Looks every few milliseconds until `held` holds; false when it does not within `limit`. A test never depends on how long it takes: the
// limit only ends one that would wait for ever, however busy the machine is.
bool Eventually(const std::function<bool()>& held, std::chrono::milliseconds limit = std::chrono::seconds(60));

}  // namespace vora
