// vora-bench-event-rows SPOOL FILE COUNT: the same COUNT rows as sealed segments in the folder SPOOL, and as RowBinary in FILE, for
// clickhouse-client. Prints the names of the columns.
// vora-bench-event-rows --sync FOLDER: how long fdatasync takes there after 4 KiB: `RESULT p50 p99`, in us.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "services/analytics-ingest/spool/spool.h"

namespace vora::analytics {
namespace {

constexpr int64_t kEventsOfSession = 30;

Event EventNumber(int64_t number, int64_t now_ms) {
  static constexpr EventType kTypes[] = {EventType::kPlay, EventType::kWatchTime, EventType::kSegmentFetched, EventType::kWatchTime,
                                         EventType::kStall};
  const int64_t session = number / kEventsOfSession, sequence = number % kEventsOfSession;
  Event event;
  event.server_ms = now_ms;
  event.player_ms = now_ms - 40;
  event.video_id = "0192f0a1b2c3d4e5f60718293a4b5c" + std::to_string(10 + session % 90);
  event.session_id = "session-" + std::to_string(session);
  event.sequence = sequence;
  event.type = kTypes[sequence % 5];
  event.position_ms = static_cast<uint32_t>(sequence * 4004);
  event.duration_ms = 4004;
  event.rendition = session % 2 == 0 ? "720p" : "1080p";
  event.bitrate = static_cast<uint32_t>(3'000'000 + session % 1000);
  event.segment_index = static_cast<int32_t>(sequence);
  event.buffer_ms = 12'000;
  event.throughput_kbps = 25'400;
  event.viewer = "0123456789abcdef0123456789ab" + std::to_string(1000 + session % 9000);
  event.client_net = "203.0.113.0/24";
  return event;
}

int WriteRows(const std::string& folder, const std::string& file, int64_t count) {
  obs::Metrics metrics;
  SpoolOptions options;
  options.directory = folder;
  auto spool = Spool::Open(options, Clock::Real(), metrics);
  if (!spool.ok()) {
    std::fprintf(stderr, "%s\n", ToText(spool.status()).c_str());
    return 1;
  }
  std::ofstream rows(file, std::ios::binary);
  const int64_t now_ms = ToUnixMs(Clock::Real().Now());
  for (int64_t number = 0; number < count;) {
    RowBatch batch(DayOf(now_ms));
    std::string binary;
    for (int i = 0; i < 5000 && number < count; ++i, ++number) {
      const Event event = EventNumber(number, now_ms);
      batch.Add(event);
      AppendRow(event, binary);
      binary += static_cast<char>(32);  // the length of the batch id
      binary.append(32, "0123456789abcdef"[number / 100'000 % 16]);
    }
    rows << binary;
    std::promise<Status> answer;
    Status status = (*spool)->Append(std::move(batch), [&](Status confirmed) { answer.set_value(std::move(confirmed)); });
    if (status.ok()) status = answer.get_future().get();
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", ToText(status).c_str());
      return 1;
    }
  }
  rows.flush();
  std::printf("%s\n", kRowColumns);
  return rows.good() ? 0 : 1;
}

int MeasureSync(const std::string& folder) {
  const std::string path = folder + "/sync.tmp";
  const int fd = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return 1;
  const std::string block(4096, 'x');
  std::vector<double> micros;
  for (int i = 0; i < 500; ++i) {
    if (write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size())) return 1;
    const auto begin = std::chrono::steady_clock::now();
    if (fdatasync(fd) != 0) return 1;
    micros.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  close(fd);
  unlink(path.c_str());
  std::sort(micros.begin(), micros.end());
  std::printf("RESULT %.0f %.0f\n", micros[250], micros[495]);
  return 0;
}

}  // namespace
}  // namespace vora::analytics

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--sync") return vora::analytics::MeasureSync(argv[2]);
  if (argc != 4) return 2;
  return vora::analytics::WriteRows(argv[1], argv[2], std::atoll(argv[3]));
}
