#include "services/metadata/imports/bucket_events.h"

#include <algorithm>

#include <absl/strings/str_replace.h>
#include <nlohmann/json.hpp>

#include "libs/core/encoding.h"
#include "libs/core/error.h"

namespace vora::metadata {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxRecords = 1000;

std::string TextAt(const Json& json, const std::string& pointer) {
  const Json::json_pointer at(pointer);
  return json.contains(at) && json.at(at).is_string() ? json.at(at).get<std::string>() : std::string();
}

// Bucket and folder of s3://BUCKET/PREFIX?...; a folder of files has no bucket that anybody could name.
struct Place {
  std::string bucket, prefix;
};
Place PlaceOf(const sources::SourceSpec& source) {
  Place place;
  constexpr std::string_view kS3 = "s3://";
  std::string_view rest = source.url;
  if (!rest.starts_with(kS3)) return place;
  rest = rest.substr(kS3.size());
  rest = rest.substr(0, rest.find('?'));
  place.bucket = rest.substr(0, rest.find('/'));
  rest.remove_prefix(std::min(rest.size(), place.bucket.size() + 1));
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (!rest.empty()) place.prefix = PercentDecode(rest).value_or(std::string(rest)) + "/";
  return place;
}

}  // namespace

StatusOr<BucketEvents> ParseBucketEvents(const sources::SourceSpec& source, std::string_view body) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) return InvalidField("body", "must be a JSON object, S3's event message");
  BucketEvents events;
  if (!json.contains("Records")) {
    // What stores send to try the address.
    if (json.contains("Event")) return events;
    return InvalidField("Records", "required: the list of S3's event message");
  }
  const Json& records = json.at("Records");
  if (!records.is_array()) return InvalidField("Records", "must be a list");
  if (records.size() > kMaxRecords) return InvalidField("Records", "at most 1000 at a time", "1000 records");
  const Place place = PlaceOf(source);
  for (const Json& record : records) {
    std::string name = TextAt(record, "/eventName");
    if (name.starts_with("s3:")) name.erase(0, 3);
    const std::string bucket = TextAt(record, "/s3/bucket/name");
    // Keys are encoded as in a form: a blank is a plus.
    const auto key = PercentDecode(absl::StrReplaceAll(TextAt(record, "/s3/object/key"), {{"+", "%20"}}));
    const bool ours =
        key && (place.bucket.empty() || bucket == place.bucket) && key->starts_with(place.prefix) && key->size() > place.prefix.size();
    if (!name.starts_with("ObjectCreated") || !ours) {
      ++events.ignored;
    } else {
      events.keys.push_back(key->substr(place.prefix.size()));
    }
  }
  return events;
}

}  // namespace vora::metadata
