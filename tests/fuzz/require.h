#pragma once

// What must hold for every input; the input that breaks it is kept.

#include <cstdlib>

inline void Require(bool holds) {
  if (!holds) std::abort();
}
