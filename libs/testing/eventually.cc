#include "libs/testing/eventually.h"

#include <thread>

namespace vora {

bool Eventually(const std::function<bool()>& held, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!held()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  return true;
}

}  // namespace vora
