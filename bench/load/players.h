#pragma once

// Players of HLS at a player's pace: master, a rendition and its audio, init segments, two segments of each ahead, then one of each when
// it is due. At the end of a video the next one. Each player also posts what it watched, in batches.

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/load/tally.h"

namespace vora::load {

struct PlayerPlan {
  int port = 0;  // of the edge
  std::vector<std::string> videos;
  std::string run;  // unlike in any other run
  SteadyTime end;   // no view and no event begins later
  int events_per_batch = 25;
  std::chrono::duration<double> batch_every{10};
  bool tokens = false;  // each player asks for one, and plays with it in the path
};

class Player {
 public:
  Player(Loop& loop, Tally& tally, const PlayerPlan& plan, int number);
  void Start(SteadyTime when, SteadyTime first_batch);
  bool done() const { return playing_done_ && events_done_; }

 private:
  struct Track {
    std::vector<std::string> paths;  // the init segment first
    std::vector<double> seconds;     // of each media segment
  };
  void View();
  void AskToken();
  void AskMaster();
  void ReadMaster(const std::string& text);
  void AskPlaylist(size_t index);
  void Next();
  void Post();
  void Ended() { playing_done_ = true; }
  bool Failed(const std::string& what, const Answer& answer);

  Loop& loop_;
  Tally& tally_;
  const PlayerPlan& plan_;
  const int number_;
  std::mt19937 random_;
  Connection media_, events_;
  std::string video_, token_, base_, session_;
  std::vector<std::string> playlists_;
  std::vector<Track> tracks_;
  size_t track_ = 0, object_ = 0;  // next to be asked for
  SteadyTime began_{}, asked_{};
  double fetched_seconds_ = 0;  // media of the first track that is there
  int view_ = 0, sequence_ = 0, event_view_ = -1;
  bool playing_done_ = false, events_done_ = false;
};

}  // namespace vora::load
