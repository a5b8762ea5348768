#include "services/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace vora::cli {

std::string Bar(int percent, int width) {
  percent = std::clamp(percent, 0, 100);
  const int full = percent * width / 100;
  char text[8];
  std::snprintf(text, sizeof text, "%3d %%", percent);
  std::string bar(1, '[');
  bar.append(static_cast<size_t>(full), '#').append(static_cast<size_t>(width - full), '-').append("] ").append(text);
  return bar;
}

std::string FormatBytes(double bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(units)) {
    bytes /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
  return text;
}

std::string FormatSeconds(double seconds) {
  const long whole = std::lround(std::max(0.0, seconds));
  char text[32];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  }
  return text;
}

std::vector<std::string> RenderVideo(const nlohmann::json& video) {
  std::vector<std::string> lines;
  const std::string state = video.value("state", "?");
  std::string head = "  " + Bar(video.value("progress_percent", 0), 24) + "  " + state;
  if (video.value("playable", false) && state != "READY") head += "  (can be played already)";
  lines.push_back(head);
  const nlohmann::json import = video.value("import", nlohmann::json::object());
  if (!import.value("done", true) && state != "FAILED" && state != "CANCELLED") {
    const std::string problem = import.value("problem", "");
    lines.push_back("    import   " + Bar(import.value("progress_percent", 0), 20) + (problem.empty() ? "" : "  waits: " + problem));
  }
  for (const auto& rendition : video.value("renditions", nlohmann::json::array())) {
    char name[16];
    std::snprintf(name, sizeof name, "%-8.8s", rendition.value("name", "?").c_str());
    std::string line =
        "    " + std::string(name) + " " + Bar(rendition.value("progress_percent", 0), 20) + "  " + rendition.value("state", "?");
    if (const int retries = rendition.value("retries", 0); retries > 0)
      line += "  (" + std::to_string(retries) + (retries == 1 ? " retry)" : " retries)");
    if (const std::string failure = rendition.value("failure", ""); !failure.empty()) line += "  " + failure;
    lines.push_back(line);
  }
  return lines;
}

ProgressView::ProgressView(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressView::~ProgressView() { Keep(); }

void ProgressView::Erase() {
  // Up to the block's first line, and everything from there on erased.
  if (drawn_ > 0) std::fprintf(stderr, "\x1b[%zuA\x1b[J", drawn_);
  drawn_ = 0;
}

void ProgressView::Show(const std::vector<std::string>& lines, const std::string& key) {
  if (quiet_) return;
  // In a file or a pipe nothing can be drawn over: a line is worth it when its key has changed.
  if (!terminal_ && key == last_key_) return;
  if (terminal_) Erase();
  for (const auto& line : lines) std::fprintf(stderr, "%s\n", line.c_str());
  std::fflush(stderr);
  if (terminal_) drawn_ = lines.size();
  last_key_ = key;
}

void ProgressView::Keep() { drawn_ = 0; }

void ProgressView::Line(const std::string& line) {
  if (quiet_) return;
  if (terminal_) Erase();
  std::fprintf(stderr, "%s\n", line.c_str());
}

void TransferRate::Update(int64_t bytes) {
  const auto now = std::chrono::steady_clock::now();
  if (last_time_.time_since_epoch().count() == 0) {
    last_time_ = now;
    last_bytes_ = bytes;
    return;
  }
  const double seconds = std::chrono::duration<double>(now - last_time_).count();
  // The speed of a shorter stretch jumps.
  if (seconds < 0.5) return;
  const double current = static_cast<double>(bytes - last_bytes_) / seconds;
  rate_ = rate_ == 0 ? current : 0.6 * rate_ + 0.4 * current;
  last_time_ = now;
  last_bytes_ = bytes;
}

}  // namespace vora::cli
