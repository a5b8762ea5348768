#include "libs/ladder/ladder.h"

#include "libs/core/error.h"

#include <google/protobuf/util/json_util.h>

#include <array>
#include <cmath>
#include <set>

#include "libs/layout/layout.h"

namespace vora::ladder {
namespace {

using media::v1::Ladder;
using media::v1::Rung;

Rung MakeRung(const char* name, int height, int64_t max_bitrate) {
  Rung rung;
  rung.set_name(name);
  rung.set_codec("h264");
  rung.set_height(height);
  rung.set_max_bitrate(max_bitrate);
  rung.set_crf(23);
  rung.set_preset("veryfast");
  rung.set_profile("high");
  rung.set_threads(1);
  return rung;
}

template <class T>
std::string Text(T value) {
  std::string text = std::to_string(value);
  if constexpr (std::is_floating_point_v<T>) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
  }
  return text;
}

template <class T>
Status Within(const std::string& field, T value, T low, T high) {
  if (value >= low && value <= high) return {};  // NaN is not
  return InvalidField(field, "must be " + Text(low) + " to " + Text(high) + ", not " + Text(value));
}

template <size_t N>
Status OneOf(const std::string& field, const std::string& value, const std::array<const char*, N>& choices) {
  std::string list;
  for (const char* choice : choices) {
    if (value == choice) return {};
    list += (list.empty() ? "" : ", ") + std::string(choice);
  }
  return InvalidField(field, "must be one of " + list + ", not \"" + value + "\"");
}

// Names are path parts of object keys and of URLs.
Status CheckTrackName(const std::string& field, const std::string& name) {
  const bool good =
      !name.empty() && name.size() <= 32 && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
  if (!good) return InvalidField(field, "must be 1 to 32 of a-z, 0-9, _ and -, not \"" + name + "\"");
  if (name.starts_with(layout::kAudioTrackPrefix) || name.starts_with(layout::kCaptionTrackPrefix))
    return InvalidField(field, "must not begin with audio_ or subs_");
  return {};
}

Status ValidateRung(const std::string& field, const Rung& rung) {
  VORA_RETURN_IF_ERROR(CheckTrackName(field + ".name", rung.name()));
  VORA_RETURN_IF_ERROR(OneOf(field + ".codec", rung.codec(), std::array{"h264"}));
  VORA_RETURN_IF_ERROR(Within(field + ".height", rung.height(), 64, 4320));
  VORA_RETURN_IF_ERROR(Within<int64_t>(field + ".max_bitrate", rung.max_bitrate(), 50'000, 200'000'000));
  VORA_RETURN_IF_ERROR(Within(field + ".crf", rung.crf(), 0.0, 51.0));
  VORA_RETURN_IF_ERROR(OneOf(field + ".preset", rung.preset(),
                             std::array{"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"}));
  VORA_RETURN_IF_ERROR(OneOf(field + ".profile", rung.profile(), std::array{"baseline", "main", "high"}));
  return Within(field + ".threads", rung.threads(), 1, 64);
}

}  // namespace

Ladder DefaultLadder() {
  Ladder ladder;
  ladder.set_name("default");
  ladder.set_segment_seconds(4);
  ladder.set_gop_seconds(2);
  ladder.set_segments_per_chunk(3);
  *ladder.add_rungs() = MakeRung("360p", 360, 800'000);
  *ladder.add_rungs() = MakeRung("720p", 720, 2'800'000);
  *ladder.add_rungs() = MakeRung("1080p", 1080, 5'000'000);
  ladder.mutable_audio()->set_codec("aac");
  ladder.mutable_audio()->set_bitrate(128'000);
  ladder.mutable_audio()->set_sample_rate(48'000);
  ladder.mutable_audio()->set_channels(2);
  return ladder;
}

StatusOr<Ladder> ParseLadder(std::string_view json) {
  Ladder ladder;
  const auto status = google::protobuf::util::JsonStringToMessage(google::protobuf::StringPiece(json.data(), json.size()), &ladder);
  if (!status.ok()) return InvalidField("ladder", std::string(status.message().data(), status.message().size()));
  VORA_RETURN_IF_ERROR(ValidateLadder(ladder));
  return ladder;
}

Status ValidateLadder(const Ladder& ladder) {
  VORA_RETURN_IF_ERROR(Within("segment_seconds", ladder.segment_seconds(), 1.0, 10.0));
  VORA_RETURN_IF_ERROR(Within("gop_seconds", ladder.gop_seconds(), 0.25, ladder.segment_seconds()));
  // A segment begins with an IDR frame, or it could not be decoded alone.
  const double gops = ladder.segment_seconds() / ladder.gop_seconds();
  if (std::abs(gops - std::round(gops)) > 1e-6) return InvalidField("segment_seconds", "must be a whole multiple of gop_seconds");
  VORA_RETURN_IF_ERROR(Within("segments_per_chunk", ladder.segments_per_chunk(), 1, 100));
  VORA_RETURN_IF_ERROR(Within("rungs", ladder.rungs_size(), 1, 10));
  std::set<std::string> names;
  for (int i = 0; i < ladder.rungs_size(); ++i) {
    const std::string field = "rungs[" + std::to_string(i) + "]";
    const Rung& rung = ladder.rungs(i);
    VORA_RETURN_IF_ERROR(ValidateRung(field, rung));
    if (!names.insert(rung.name()).second) return InvalidField(field + ".name", "\"" + rung.name() + "\" is used twice");
    if (i > 0 && rung.height() < ladder.rungs(i - 1).height()) {
      return InvalidField(field + ".height", "rungs must be in order of height, smallest first");
    }
  }
  if (!ladder.has_audio()) return InvalidField("audio", "must be given");
  VORA_RETURN_IF_ERROR(OneOf("audio.codec", ladder.audio().codec(), std::array{"aac"}));
  VORA_RETURN_IF_ERROR(Within<int64_t>("audio.bitrate", ladder.audio().bitrate(), 16'000, 512'000));
  if (ladder.audio().sample_rate() != 44'100 && ladder.audio().sample_rate() != 48'000) {
    return InvalidField("audio.sample_rate", "must be 44100 or 48000, not " + std::to_string(ladder.audio().sample_rate()));
  }
  return Within("audio.channels", ladder.audio().channels(), 1, 2);
}

}  // namespace vora::ladder
