#pragma once

// How far runs are, in sums over their tasks. Pure.

#include <map>
#include <string>
#include <vector>

#include "libs/workflow/core/rows.h"

namespace vora::workflow {

inline constexpr int kMaxSums = 100;     // of a run; the last has what is beyond
inline constexpr int kMaxRetried = 100;  // activities that a sum names
inline constexpr size_t kMaxFailureText = 1000;

// By run, of tasks that run or wait for another attempt. The same tasks, in whatever order, give the same.
std::map<std::string, v1::RunProgress> SumProgress(std::vector<TaskRow> tasks);

}  // namespace vora::workflow
