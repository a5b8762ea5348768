#include "libs/ladder/ladder.h"

#include "libs/core/error.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "libs/core/labels.h"
#include "libs/core/text_field.h"
#include "libs/ladder/shipped_internal.h"
#include "libs/layout/layout.h"

namespace vora::ladder {
namespace {

using media::v1::Ladder;
using media::v1::Rung;

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

constexpr size_t kMaxDescription = 500;  // characters

// Names are path parts of object keys and of URLs.
Status CheckTrackName(const std::string& field, const std::string& name) {
  VORA_RETURN_IF_ERROR(CheckLadderName(field, name));
  if (layout::IsRevision(name)) return InvalidField(field, "must not be r and a number, where later encodes lie");
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

const std::vector<Ladder>& ShippedLadders() {
  static const std::vector<Ladder> all = [] {
    std::vector<Ladder> parsed;
    // Texts of this binary, which a test reads: they are right.
    for (const std::string_view text : internal::ShippedTexts()) parsed.push_back(ParseLadder(text).value());
    return parsed;
  }();
  return all;
}

Ladder DefaultLadder() {
  const auto& all = ShippedLadders();
  return *std::find_if(all.begin(), all.end(), [](const Ladder& ladder) { return ladder.name() == "default"; });
}

void FillDefaults(Ladder& ladder) {
  if (ladder.segment_seconds() == 0) ladder.set_segment_seconds(4);
  if (ladder.gop_seconds() == 0) ladder.set_gop_seconds(2);
  if (ladder.segments_per_chunk() == 0) ladder.set_segments_per_chunk(3);
  for (Rung& rung : *ladder.mutable_rungs()) {
    if (rung.name().empty()) rung.set_name(std::to_string(rung.height()) + "p");
    if (rung.codec().empty()) rung.set_codec("h264");
    if (rung.crf() == 0) rung.set_crf(23);
    if (rung.preset().empty()) rung.set_preset("veryfast");
    if (rung.profile().empty()) rung.set_profile("high");
    if (rung.threads() == 0) rung.set_threads(1);
  }
  auto& audio = *ladder.mutable_audio();
  if (audio.codec().empty()) audio.set_codec("aac");
  if (audio.bitrate() == 0) audio.set_bitrate(128'000);
  if (audio.sample_rate() == 0) audio.set_sample_rate(48'000);
  if (audio.channels() == 0) audio.set_channels(2);
}

StatusOr<Ladder> ParseLadder(std::string_view json) {
  Ladder ladder;
  const auto status = google::protobuf::util::JsonStringToMessage(google::protobuf::StringPiece(json.data(), json.size()), &ladder);
  if (!status.ok()) return InvalidField("ladder", std::string(status.message().data(), status.message().size()));
  FillDefaults(ladder);
  VORA_RETURN_IF_ERROR(ValidateRecipe(ladder));
  return ladder;
}

Status ValidateLadder(const Ladder& ladder) {
  VORA_RETURN_IF_ERROR(CheckLadderName("name", ladder.name()));
  VORA_RETURN_IF_ERROR(CheckText("description", ladder.description(), kMaxDescription));
  return ValidateRecipe(ladder);
}

Status ValidateRecipe(const Ladder& ladder) {
  VORA_RETURN_IF_ERROR(Within("segment_seconds", ladder.segment_seconds(), 1.0, 10.0));
  VORA_RETURN_IF_ERROR(Within("gop_seconds", ladder.gop_seconds(), 0.25, ladder.segment_seconds()));
  // A segment begins with an IDR frame, or it could not be decoded alone.
  const double gops = ladder.segment_seconds() / ladder.gop_seconds();
  if (std::abs(gops - std::round(gops)) > 1e-6) return InvalidField("segment_seconds", "must be a whole multiple of gop_seconds");
  VORA_RETURN_IF_ERROR(Within("segments_per_chunk", ladder.segments_per_chunk(), 1, 100));
  VORA_RETURN_IF_ERROR(Within("rungs", ladder.rungs_size(), 0, 10));
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
