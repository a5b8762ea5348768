#include "bench/load/players.h"

#include <algorithm>
#include <sstream>

namespace vora::load {
namespace {

constexpr double kAheadSeconds = 8;

SteadyTime After(SteadyTime from, double seconds) {
  return from + std::chrono::duration_cast<SteadyTime::duration>(std::chrono::duration<double>(seconds));
}

std::string Between(const std::string& text, const std::string& opening, char closing) {
  const size_t at = text.find(opening);
  if (at == std::string::npos) return "";
  const size_t begin = at + opening.size();
  return text.substr(begin, text.find(closing, begin) - begin);
}

std::string Folder(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

}  // namespace

Player::Player(Loop& loop, Tally& tally, const PlayerPlan& plan, int number)
    : loop_(loop),
      tally_(tally),
      plan_(plan),
      number_(number),
      random_(static_cast<unsigned>(number)),
      media_(loop, plan.port),
      events_(loop, plan.port) {}

void Player::Start(SteadyTime when, SteadyTime first_batch) {
  loop_.At(when, [this] { View(); });
  loop_.At(std::max(first_batch, After(when, 0.1)), [this] { Post(); });
}

bool Player::Failed(const std::string& what, const Answer& answer) {
  if (answer.status == 200) return false;
  tally_.Error(what, answer);
  // A player that fails tries again a second later.
  loop_.At(After(Now(), 1), [this] { View(); });
  return true;
}

void Player::View() {
  if (Now() >= plan_.end) return Ended();
  video_ = plan_.videos[std::uniform_int_distribution<size_t>(0, plan_.videos.size() - 1)(random_)];
  session_ = plan_.run + "-" + std::to_string(number_) + "-" + std::to_string(view_++);
  ++tally_.views;
  plan_.tokens ? AskToken() : AskMaster();
}

void Player::AskToken() {
  const std::string path = "/v1/videos/" + video_ + "/playback-tokens";
  media_.Send("POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n", true, [this](const Answer& answer) {
    if (Failed("token", answer)) return;
    token_ = "/t/" + Between(answer.body, "\"token\":\"", '"');
    AskMaster();
  });
}

void Player::AskMaster() {
  base_ = token_ + "/v/" + video_ + "/";
  asked_ = Now();
  media_.Send(Get(base_ + "master.m3u8"), true, [this](const Answer& answer) {
    if (Failed("master", answer)) return;
    tally_.manifest_times.Add(asked_);
    ++tally_.manifests;
    ReadMaster(answer.body);
  });
}

void Player::ReadMaster(const std::string& text) {
  std::istringstream lines(text);
  std::vector<std::string> renditions;
  std::string audio;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#EXT-X-MEDIA:TYPE=AUDIO")) audio = Between(line, "URI=\"", '"');
    if (!line.empty() && line[0] != '#') renditions.push_back(line);
  }
  if (renditions.empty()) {
    Failed("master without renditions", {.body = text});
    return;
  }
  playlists_ = {renditions[std::uniform_int_distribution<size_t>(0, renditions.size() - 1)(random_)]};
  if (!audio.empty()) playlists_.push_back(audio);
  tracks_.clear();
  AskPlaylist(0);
}

void Player::AskPlaylist(size_t index) {
  if (index == playlists_.size()) {
    track_ = object_ = 0;
    fetched_seconds_ = 0;
    began_ = Now();
    return Next();
  }
  asked_ = Now();
  media_.Send(Get(base_ + playlists_[index]), true, [this, index](const Answer& answer) {
    if (Failed("playlist", answer)) return;
    tally_.manifest_times.Add(asked_);
    ++tally_.manifests;
    Track track;
    const std::string folder = base_ + Folder(playlists_[index]);
    std::istringstream lines(answer.body);
    double seconds = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("#EXT-X-MAP")) track.paths.push_back(folder + Between(line, "URI=\"", '"'));
      if (line.starts_with("#EXTINF:")) seconds = std::strtod(line.c_str() + 8, nullptr);
      if (line.empty() || line[0] == '#') continue;
      track.paths.push_back(folder + line);
      track.seconds.push_back(seconds);
    }
    tracks_.push_back(std::move(track));
    AskPlaylist(index + 1);
  });
}

// Objects of all tracks by turns: both init segments, then segment 0 of both, and so on.
void Player::Next() {
  if (Now() >= plan_.end) return Ended();
  while (track_ < tracks_.size() && object_ >= tracks_[track_].paths.size()) ++track_;
  if (track_ >= tracks_.size()) {
    track_ = 0;
    ++object_;
    if (object_ >= tracks_[0].paths.size()) {
      // It is fetched; the next view begins when it has been watched.
      loop_.At(std::max(Now(), After(began_, fetched_seconds_)), [this] { View(); });
      return;
    }
  }
  const SteadyTime due = After(began_, fetched_seconds_ - kAheadSeconds);
  if (track_ == 0 && due > Now()) {
    loop_.At(due, [this] { Next(); });
    return;
  }
  asked_ = Now();
  media_.Send(Get(tracks_[track_].paths[object_]), false, [this](const Answer& answer) {
    if (Failed("segment", answer)) return;
    tally_.segment_times.Add(asked_);
    ++tally_.segments;
    tally_.segment_bytes += answer.body_bytes;
    if (answer.Header("X-Cache") == "HIT") ++tally_.cache_hits;
    if (answer.body_bytes == 0) tally_.Error("an empty segment", answer);
    if (object_ > 0) {
      // Beyond the first two it is there before the buffer in front of it is played.
      if (object_ > 2 && Now() > After(began_, fetched_seconds_)) ++tally_.late_segments;
      if (track_ == 0) fetched_seconds_ += tracks_[0].seconds[object_ - 1];
    }
    ++track_;
    Next();
  });
}

void Player::Post() {
  if (Now() >= plan_.end) {
    events_done_ = true;
    return;
  }
  const SteadyTime due = Now();
  if (event_view_ != view_) {
    event_view_ = view_;
    sequence_ = 0;
  }
  std::string body = "[";
  for (int i = 0; i < plan_.events_per_batch; ++i, ++sequence_) {
    body += (i == 0 ? "" : ",") + std::string("{\"video_id\":\"") + video_ + "\",\"session_id\":\"" + session_ +
            "\",\"sequence\":" + std::to_string(sequence_) +
            ",\"type\":\"watch_time\",\"position_seconds\":" + std::to_string(sequence_ * 0.4) +
            ",\"duration_seconds\":0.4,\"rendition\":\"360p\",\"bitrate\":800000,\"viewer_id\":\"viewer-" + std::to_string(number_) + "\"}";
  }
  body += "]";
  asked_ = Now();
  std::string request =
      "POST /e HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  events_.Send(std::move(request), true, [this, due](const Answer& answer) {
    ++tally_.event_posts;
    if (answer.status == 202 && answer.body.find("\"accepted\":" + std::to_string(plan_.events_per_batch)) != std::string::npos) {
      tally_.events += plan_.events_per_batch;
      tally_.event_times.Add(due);
    } else {
      tally_.Error("events", answer);
    }
    loop_.At(After(due, plan_.batch_every.count()), [this] { Post(); });
  });
}

}  // namespace vora::load
