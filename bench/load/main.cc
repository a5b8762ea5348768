// vora-bench-load --edge PORT --uploads PORT --video ID... : players, events and uploads together against a running stack, for a time.
// Prints one line of JSON; writes the ids of finished uploads to --ids. Ends with 0 also when there were errors: they are in the figures.

#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/load/players.h"
#include "bench/load/uploads.h"

namespace {

using namespace vora::load;

struct Options {
  int edge = 0, upload_port = 0, players = 2000, uploads = 200, events_per_second = 5000;
  double seconds = 60;
  int64_t upload_bytes = 2 << 20;
  std::vector<std::string> videos;
  std::string run, ids;
  bool tokens = false;
};

constexpr int kEventsPerBatch = 25;
constexpr double kRampShare = 0.1;

void RaiseFileLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void Print(const Options& options, Tally& tally, const Loop& loop, double seconds) {
  nlohmann::ordered_json out{{"errors", tally.errors},
                             {"seconds", seconds},
                             {"players", options.players},
                             {"views", tally.views},
                             {"manifests", tally.manifests},
                             {"segments", tally.segments},
                             {"segment_bytes", tally.segment_bytes},
                             {"late_segments", tally.late_segments},
                             {"cache_hits", tally.cache_hits},
                             {"segment_ms_p50", tally.segment_times.At(0.5)},
                             {"segment_ms_p99", tally.segment_times.At(0.99)},
                             {"manifest_ms_p99", tally.manifest_times.At(0.99)},
                             {"events", tally.events},
                             {"event_posts", tally.event_posts},
                             {"event_ms_p99", tally.event_times.At(0.99)},
                             {"uploads", tally.uploads.size()},
                             {"most_open_uploads", tally.most_open_uploads},
                             {"upload_bytes", tally.upload_bytes},
                             {"patch_ms_p99", tally.patch_times.At(0.99)},
                             {"reconnects", loop.reconnects()}};
  std::printf("%s\n", out.dump().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Players, events and uploads together");
  app.add_option("--edge", options.edge)->required();
  app.add_option("--upload-port", options.upload_port)->required();
  app.add_option("--video", options.videos)->required();
  app.add_option("--run", options.run)->required();
  app.add_option("--ids", options.ids)->required();
  app.add_option("--players", options.players);
  app.add_option("--uploads", options.uploads);
  app.add_option("--events-per-second", options.events_per_second);
  app.add_option("--seconds", options.seconds);
  app.add_option("--upload-bytes", options.upload_bytes);
  app.add_flag("--tokens", options.tokens);
  CLI11_PARSE(app, argc, argv);
  RaiseFileLimit();

  Loop loop;
  Tally tally;
  const auto begin = Now();
  const auto after = [&](double seconds) {
    return begin + std::chrono::duration_cast<SteadyTime::duration>(std::chrono::duration<double>(seconds));
  };
  PlayerPlan watching{
      .port = options.edge, .videos = options.videos, .run = options.run, .end = after(options.seconds), .tokens = options.tokens};
  watching.events_per_batch = kEventsPerBatch;
  watching.batch_every = std::chrono::duration<double>(static_cast<double>(options.players) * kEventsPerBatch / options.events_per_second);
  UploadPlan sending{.port = options.upload_port, .bytes = options.upload_bytes, .run = options.run, .end = after(options.seconds * 0.8)};
  sending.takes = std::chrono::duration<double>(options.seconds / 4);

  // They come in the course of a tenth of the time; the connections of a crowd do not all open in one moment.
  std::vector<std::unique_ptr<Player>> players;
  for (int i = 0; i < options.players; ++i) {
    players.push_back(std::make_unique<Player>(loop, tally, watching, i));
    players.back()->Start(after(options.seconds * kRampShare * i / options.players),
                          after(watching.batch_every.count() * i / options.players));
  }
  std::vector<std::unique_ptr<Uploader>> uploaders;
  for (int i = 0; i < options.uploads; ++i) {
    uploaders.push_back(std::make_unique<Uploader>(loop, tally, sending, i));
    uploaders.back()->Start(after(options.seconds * kRampShare * i / options.uploads));
  }
  loop.Run([&] {
    if (Now() < watching.end) return false;
    for (const auto& player : players) {
      if (!player->done()) return false;
    }
    for (const auto& uploader : uploaders) {
      if (!uploader->done()) return false;
    }
    return true;
  });
  const double seconds = std::chrono::duration<double>(Now() - begin).count();
  std::ofstream ids(options.ids);
  for (const std::string& id : tally.uploads) ids << id << '\n';
  Print(options, tally, loop, seconds);
  return 0;
}
