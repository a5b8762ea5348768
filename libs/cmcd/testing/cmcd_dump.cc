// For tests/e2e/cmcd-oracle.test.mjs: reads one CMCD list per line of standard input, prints per line what Parse made of it as JSON, or
// {"error": ...}. With the argument `headers`, a line holds the four headers, separated by tabs.

#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "libs/cmcd/cmcd.h"

namespace {

using nlohmann::json;
using vora::StatusOr;
using vora::cmcd::Cmcd;

void Put(json& out, const char* key, const std::optional<int64_t>& value) {
  if (value) out[key] = *value;
}
void Put(json& out, const char* key, const std::string& value) {
  if (!value.empty()) out[key] = value;
}

json ToJson(const StatusOr<Cmcd>& parsed) {
  if (!parsed.ok()) return {{"error", vora::Message(parsed.status())}};
  const Cmcd& c = *parsed;
  json out{{"v", c.version}};
  Put(out, "br", c.bitrate_kbps);
  Put(out, "tb", c.top_bitrate_kbps);
  Put(out, "bl", c.buffer_ms);
  Put(out, "d", c.object_duration_ms);
  Put(out, "mtp", c.throughput_kbps);
  Put(out, "dl", c.deadline_ms);
  Put(out, "rtp", c.requested_throughput_kbps);
  Put(out, "ttfb", c.time_to_first_byte_ms);
  Put(out, "ttlb", c.time_to_last_byte_ms);
  Put(out, "ts", c.timestamp_ms);
  Put(out, "sn", c.sequence);
  Put(out, "pt", c.position_ms);
  Put(out, "msd", c.startup_ms);
  Put(out, "bsd", c.stall_ms);
  Put(out, "rc", c.response_status);
  Put(out, "sid", c.session_id);
  Put(out, "cid", c.content_id);
  Put(out, "ot", c.object_type);
  Put(out, "sf", c.stream_format);
  Put(out, "st", c.stream_type);
  Put(out, "nor", c.next_object);
  Put(out, "e", c.event);
  Put(out, "sta", c.player_state);
  Put(out, "ec", c.error_code);
  Put(out, "url", c.url);
  if (c.playback_rate) out["pr"] = *c.playback_rate;
  if (c.startup) out["su"] = true;
  if (c.buffer_starved) out["bs"] = true;
  return out;
}

StatusOr<Cmcd> FromHeaders(std::string_view line) {
  std::string_view part[4];
  for (std::string_view& header : part) {
    const size_t tab = std::min(line.find('\t'), line.size());
    header = line.substr(0, tab);
    line.remove_prefix(std::min(tab + 1, line.size()));
  }
  return vora::cmcd::ParseHeaders(part[0], part[1], part[2], part[3]);
}

}  // namespace

int main(int argc, char** argv) {
  const bool headers = argc > 1 && std::string_view(argv[1]) == "headers";
  std::string line;
  while (std::getline(std::cin, line)) {
    const json out = ToJson(headers ? FromHeaders(line) : vora::cmcd::Parse(line));
    std::puts(out.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
  }
}
