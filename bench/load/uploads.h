#pragma once

// Clients that upload by tus: create, then pieces at a line's pace, with the checksum of the whole file, which the server verifies.

#include <memory>
#include <string>

#include "bench/load/tally.h"

namespace vora::load {

struct UploadPlan {
  int port = 0;
  int64_t bytes = 2 << 20;
  int64_t piece = 256 << 10;
  std::chrono::duration<double> takes{15};  // one upload
  std::string run;
  SteadyTime end;  // none begins later; those that have begun are finished
};

class Uploader {
 public:
  Uploader(Loop& loop, Tally& tally, const UploadPlan& plan, int number);
  void Start(SteadyTime when);
  bool done() const { return done_; }

 private:
  void Create();
  void Patch();
  void Failed(const std::string& what, const Answer& answer);

  Loop& loop_;
  Tally& tally_;
  const UploadPlan& plan_;
  const int number_;
  int count_ = 0;
  Connection line_;
  std::string content_, path_;
  int64_t offset_ = 0;
  SteadyTime began_{};
  bool open_ = false, done_ = false;
};

}  // namespace vora::load
