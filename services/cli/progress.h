#pragma once

// What a person sees while a long task runs: bars that are redrawn on a terminal, plain lines elsewhere.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace vora::cli {

// `[#######---]  63 %`; `percent` is clamped to 0..100.
std::string Bar(int percent, int width);
// 1.5 GiB, 20.0 MiB, 312 B
std::string FormatBytes(double bytes);
// 1:02:03, 4:05, 0:07
std::string FormatSeconds(double seconds);
// One line for the video, one per rendition. Pure.
std::vector<std::string> RenderVideo(const nlohmann::json& video);

// Writes blocks of lines to stderr. On a terminal a block replaces the one before it; elsewhere a line is written only when it has changed
// by a step worth a line.
class ProgressView {
 public:
  explicit ProgressView(bool quiet);
  ~ProgressView();
  // `key` decides on non-terminals whether the block is new.
  void Show(const std::vector<std::string>& lines, const std::string& key);
  // Keeps what stands and begins below it.
  void Keep();
  void Line(const std::string& line);  // a lasting line

 private:
  void Erase();
  bool quiet_, terminal_;
  size_t drawn_ = 0;
  std::string last_key_;
};

// Speed and time left of a transfer, over the last seconds.
class TransferRate {
 public:
  void Update(int64_t bytes);
  double bytes_per_second() const { return rate_; }

 private:
  std::chrono::steady_clock::time_point last_time_{};
  int64_t last_bytes_ = 0;
  double rate_ = 0;
};

}  // namespace vora::cli
