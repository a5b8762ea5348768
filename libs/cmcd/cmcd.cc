#include "libs/cmcd/cmcd.h"

#include <algorithm>
#include <array>

#include "libs/cmcd/structured_field.h"
#include "libs/core/error.h"

namespace vora::cmcd {
namespace {

constexpr size_t kMaxText = 4096;
constexpr size_t kMaxSessionId = 64;
constexpr size_t kMaxContentId = 128;
constexpr size_t kMaxContentIdV1 = 64;

struct NumberKey {
  std::string_view name;
  std::optional<int64_t> Cmcd::*field;
};
constexpr std::array kNumbers = {
    NumberKey{"br", &Cmcd::bitrate_kbps},
    NumberKey{"tb", &Cmcd::top_bitrate_kbps},
    NumberKey{"bl", &Cmcd::buffer_ms},
    NumberKey{"d", &Cmcd::object_duration_ms},
    NumberKey{"mtp", &Cmcd::throughput_kbps},
    NumberKey{"dl", &Cmcd::deadline_ms},
    NumberKey{"rtp", &Cmcd::requested_throughput_kbps},
    NumberKey{"ttfb", &Cmcd::time_to_first_byte_ms},
    NumberKey{"ttlb", &Cmcd::time_to_last_byte_ms},
    NumberKey{"ts", &Cmcd::timestamp_ms},
    NumberKey{"sn", &Cmcd::sequence},
    NumberKey{"pt", &Cmcd::position_ms},
    NumberKey{"msd", &Cmcd::startup_ms},
    NumberKey{"bsd", &Cmcd::stall_ms},
    NumberKey{"rc", &Cmcd::response_status},
};

struct TextKey {
  std::string_view name;
  std::string Cmcd::*field;
};
constexpr std::array kTexts = {
    TextKey{"sid", &Cmcd::session_id},   TextKey{"cid", &Cmcd::content_id},   TextKey{"ot", &Cmcd::object_type},
    TextKey{"sf", &Cmcd::stream_format}, TextKey{"st", &Cmcd::stream_type},   TextKey{"nor", &Cmcd::next_object},
    TextKey{"e", &Cmcd::event},          TextKey{"sta", &Cmcd::player_state}, TextKey{"ec", &Cmcd::error_code},
    TextKey{"url", &Cmcd::url},
};

Status Wrong(std::string_view key, std::string_view what) { return InvalidArgument(std::string(key).append(": ").append(what)); }

Status SetNumber(const Member& member, std::optional<int64_t>& out) {
  const Item& item = *member.item;
  if (item.kind != Item::Kind::kInteger && item.kind != Item::Kind::kDecimal) return Wrong(member.key, "must be a number");
  if (item.integer < 0) return Wrong(member.key, "must not be below 0");
  out = item.integer;
  return absl::OkStatus();
}

Status SetFlag(const Member& member, bool& out) {
  const Item& item = *member.item;
  if (item.kind == Item::Kind::kBoolean) {
    out = item.boolean;
  } else if (item.kind == Item::Kind::kToken && (item.text == "true" || item.text == "false")) {
    out = item.text == "true";
  } else {
    return Wrong(member.key, "must be a boolean");
  }
  return absl::OkStatus();
}

Status SetText(const Member& member, std::string& out) {
  const Item& item = *member.item;
  // Error codes are written as numbers too.
  const bool text =
      item.kind == Item::Kind::kString || item.kind == Item::Kind::kToken || (item.kind == Item::Kind::kInteger && member.key == "ec");
  if (!text) return Wrong(member.key, "must be a string or a token");
  out = item.Text();
  return absl::OkStatus();
}

Status Assign(const Member& member, Cmcd& out) {
  if (!member.item) return absl::OkStatus();
  for (const NumberKey& known : kNumbers) {
    if (member.key == known.name) return SetNumber(member, out.*known.field);
  }
  for (const TextKey& known : kTexts) {
    if (member.key == known.name) return SetText(member, out.*known.field);
  }
  if (member.key == "su") return SetFlag(member, out.startup);
  if (member.key == "bs") return SetFlag(member, out.buffer_starved);
  if (member.key == "pr") {
    const Item& item = *member.item;
    if (item.kind != Item::Kind::kInteger && item.kind != Item::Kind::kDecimal) return Wrong(member.key, "must be a number");
    out.playback_rate = item.decimal;
  } else if (member.key == "v") {
    if (member.item->kind != Item::Kind::kInteger || member.item->integer < 1 || member.item->integer > 99) {
      return Wrong(member.key, "must be the version, 1 or 2");
    }
    out.version = static_cast<int>(member.item->integer);
  }
  return absl::OkStatus();
}

Status CheckLength(std::string_view key, const std::string& value, size_t limit) {
  if (value.size() <= limit) return absl::OkStatus();
  return Wrong(key, "may have at most " + std::to_string(limit) + " characters");
}

}  // namespace

StatusOr<Cmcd> Parse(std::string_view text) {
  if (text.size() > kMaxText) return InvalidField("CMCD", "may have at most " + std::to_string(kMaxText) + " characters");
  Cmcd out;
  DictionaryReader reader(text);
  while (true) {
    VORA_ASSIGN_OR_RETURN(const std::optional<Member> member, reader.Next());
    if (!member) break;
    VORA_RETURN_IF_ERROR(Assign(*member, out));
  }
  // After all keys: the limit of cid depends on v, which may come later.
  VORA_RETURN_IF_ERROR(CheckLength("sid", out.session_id, kMaxSessionId));
  VORA_RETURN_IF_ERROR(CheckLength("cid", out.content_id, out.version == 1 ? kMaxContentIdV1 : kMaxContentId));
  return out;
}

StatusOr<Cmcd> ParseHeaders(std::string_view object, std::string_view request, std::string_view session, std::string_view status) {
  std::string joined;
  for (const std::string_view header : {object, request, session, status}) {
    // CTA-5004 spreads one dictionary over four headers, by how often its keys change.
    if (header.find_first_not_of(" \t") == std::string_view::npos) continue;
    if (!joined.empty()) joined += ',';
    joined += header;
  }
  return Parse(joined);
}

std::vector<StatusOr<Cmcd>> ParseEvents(std::string_view body) {
  std::vector<StatusOr<Cmcd>> out;
  while (!body.empty()) {
    const size_t end = std::min(body.find('\n'), body.size());
    std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    out.push_back(Parse(line));
  }
  return out;
}

}  // namespace vora::cmcd
