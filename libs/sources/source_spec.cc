#include "libs/sources/source_spec.h"

#include <algorithm>
#include <iterator>
#include <map>

#include <absl/strings/ascii.h>
#include <absl/strings/str_replace.h>

#include "libs/core/caller.h"
#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/core/labels.h"
#include "libs/core/text.h"
#include "libs/settings/settings.h"

namespace vora::sources {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMaxName = 40;
constexpr milliseconds kMostWatch{30LL * 24 * 3600 * 1000};

Status Wrong(std::string_view source, std::string_view what) {
  return InvalidField("VORA_SOURCES", (source.empty() ? "" : std::string(source) + ": ") + std::string(what));
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
  });
}

// The parts of `text` between separators, without blanks around them; empty ones are left out.
std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (const auto trimmed = TrimBlanks(part); !trimmed.empty()) parts.push_back(trimmed);
  }
  return parts;
}

// The options of a URL that are ours; the others are the store's.
SettingsSchema Options(SourceSpec& spec, std::string& mode) {
  SettingsSchema schema;
  schema.Add("import", &mode, "", {.choices = {"copy", "direct"}});
  schema.Add("tenant", &spec.tenant, "");
  schema.Add("watch", &spec.watch, "", {.min = 1000, .max = kMostWatch.count()});
  schema.Add("ladder", &spec.ladder, "");
  schema.Add("settle", &spec.settle, "", {.max = milliseconds(std::chrono::hours(1)).count()});
  return schema;
}
constexpr std::string_view kOwnOptions[] = {"import", "ladder", "tenant", "watch", "settle"};

bool IsOwn(std::string_view option) { return std::find(std::begin(kOwnOptions), std::end(kOwnOptions), option) != std::end(kOwnOptions); }

StatusOr<SourceSpec> ParseOne(std::string_view text, const Getenv& getenv) {
  const size_t equals = text.find('=');
  SourceSpec spec;
  spec.name = TrimBlanks(text.substr(0, equals));
  if (equals == std::string_view::npos || !IsName(spec.name)) {
    return Wrong("", "each source is NAME=URL with a name of 1 to 40 of a-z 0-9 -, got `" + RepairUtf8(text, 60) + "`");
  }
  spec.tenant = kDefaultTenant;
  const std::string_view url = TrimBlanks(text.substr(equals + 1));
  const size_t mark = url.find('?');
  spec.url = url.substr(0, mark);
  const bool is_file = spec.url.starts_with("file:///"), is_s3 = spec.url.starts_with("s3://");
  if (!is_file && !is_s3) return Wrong(spec.name, "the URL must begin with file:/// or s3://");
  std::string rest;
  std::map<std::string, std::string> given;
  for (std::string_view pair : Split(mark == url.npos ? std::string_view() : url.substr(mark + 1), '&')) {
    const size_t at = pair.find('=');
    const auto value = PercentDecode(at == pair.npos ? std::string_view() : pair.substr(at + 1));
    const std::string option(pair.substr(0, at));
    if (!value || value->empty()) return Wrong(spec.name, "the option " + RepairUtf8(option, 40) + " has no valid value");
    if (IsOwn(option)) {
      given[option] = *value;
    } else if (is_file) {
      return Wrong(spec.name, "unknown option `" + RepairUtf8(option, 40) + "`; known are import, ladder, tenant, watch and settle");
    } else {
      rest += (rest.empty() ? "?" : "&") + std::string(pair);
    }
  }
  std::string mode = "copy";
  const Status read = Options(spec, mode).Load([&](const std::string& name) {
    const auto found = given.find(name);
    return found == given.end() ? std::nullopt : std::optional(found->second);
  });
  if (!read.ok()) return Wrong(spec.name, Message(read));
  if (!spec.ladder.empty() && !CheckLadderName("ladder", spec.ladder).ok()) {
    return Wrong(spec.name, "ladder must be 1 to 32 of a-z, 0-9, _ and -");
  }
  spec.mode = mode == "direct" ? ImportMode::kDirect : ImportMode::kCopy;
  spec.url += rest;
  spec.events_token = getenv(SourceVariable(spec.name, "EVENTS_TOKEN")).value_or("");
  return spec;
}

}  // namespace

const char kSourcesHelp[] =
    "Places that files are imported from, NAME=URL separated by semicolons: nas=file:///srv/films or "
    "archive=s3://BUCKET/PREFIX?endpoint=..., "
    "whose keys are VORA_SOURCE_ARCHIVE_ACCESS_KEY and VORA_SOURCE_ARCHIVE_SECRET_KEY. Options of the URL: import=copy (default) or direct "
    "(encode from where it lies), ladder=hd, tenant, watch=5m (scan again and again), settle=5s (wait for files that still change)";

std::string SourceVariable(std::string_view name, std::string_view what) {
  return "VORA_SOURCE_" + absl::StrReplaceAll(absl::AsciiStrToUpper(std::string(name)), {{"-", "_"}}) + "_" + std::string(what);
}

StatusOr<std::vector<SourceSpec>> ParseSources(std::string_view text, const Getenv& getenv) {
  std::vector<SourceSpec> specs;
  for (std::string_view part : Split(text, ';')) {
    VORA_ASSIGN_OR_RETURN(SourceSpec spec, ParseOne(part, getenv));
    const auto same = [&](const SourceSpec& other) { return other.name == spec.name; };
    if (std::any_of(specs.begin(), specs.end(), same)) return Wrong(spec.name, "the name occurs twice");
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace vora::sources
