#pragma once

// The output grid: frames at a constant rate, n = 0, 1, ... shown at first_shown + n / rate. Pure.
// Rule: output frame n shows the newest source frame whose time is at most t_n + half an output frame. The rule knows nothing of chunks,
// so a decoder that starts anywhere at or before the wanted frame picks the same pictures.

#include <cstdint>

namespace vora::media {

struct Rate {
  int num = 0;
  int den = 1;
  double per_second() const { return static_cast<double>(num) / den; }
};
bool operator==(const Rate& a, const Rate& b);

// The rate of the output grid of a source with these rates (either may be unknown: num 0): standard rates are met exactly (29.97 is
// 30000/1001), a variable rate goes to the next standard rate above its average, and the result lies within 5 and 60 frames per second.
Rate ChooseOutputRate(Rate average, Rate lowest_common);

// Feeds source frame times in rising order, gets back how many output frames the previous source frame fills.
class FrameGrid {
 public:
  // Output frames `first` (inclusive) to `end` (exclusive); `start_seconds` is the time of output frame 0 on the source's clock.
  FrameGrid(Rate rate, double start_seconds, int64_t first, int64_t end);
  // The next source frame begins at `seconds`: how many output frames (from next()) the frame before it fills. The caller shows them and
  // calls Take().
  int64_t FilledBefore(double seconds) const;
  int64_t Remaining() const { return end_ - next_; }
  void Take(int64_t frames) { next_ += frames; }
  int64_t next() const { return next_; }
  bool done() const { return next_ >= end_; }
  double TimeOf(int64_t frame) const;
  // A source frame at or before this time is needed to begin at `first`.
  double NeedFrom() const;

 private:
  Rate rate_;
  double start_;
  int64_t next_;
  int64_t end_;
};

}  // namespace vora::media
