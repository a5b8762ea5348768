#include "services/metadata/imports/source_files.h"

#include <algorithm>
#include <array>

#include "libs/core/text.h"
#include "libs/layout/layout.h"
#include "services/metadata/videos/video_fields.h"

namespace vora::metadata {
namespace {

constexpr std::array<std::string_view, 28> kMediaEndings = {"mp4", "mkv",  "avi",  "mov", "webm", "flv",  "wmv", "m4v", "ts",  "m2ts",
                                                            "mts", "mpg",  "mpeg", "mxf", "3gp",  "ogv",  "vob", "dv",  "asf", "mp3",
                                                            "wav", "flac", "aac",  "ogg", "oga",  "opus", "m4a", "wma"};

// Which version of a file it is: what a move of the source to another disk keeps.
std::string VersionOf(const sources::Source& source, const storage::ObjectInfo& info) {
  if (source.spec.url.starts_with("s3://")) return info.etag;
  return std::to_string(info.size) + "-" + std::to_string(info.modified_unix_ms / 1000);
}

}  // namespace

bool IsMediaName(std::string_view key) {
  const std::string_view name = layout::FileOf(key);
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  return std::find(kMediaEndings.begin(), kMediaEndings.end(), ToLower(name.substr(dot + 1))) != kMediaEndings.end();
}

NewImport ImportOf(const sources::Source& source, const storage::ObjectInfo& info) {
  NewImport import;
  import.tenant = source.spec.tenant;
  import.source = source.spec.name;
  import.key = info.key;
  import.version = VersionOf(source, info);
  import.copy = source.spec.mode == sources::ImportMode::kCopy;
  import.ladder = source.spec.ladder;
  import.else_default = true;
  import.source_bytes = info.size;
  import.filename = Sanitise(layout::FileOf(info.key), kMaxTitle);
  import.title = TitleOfUpload({{ "filename", import.filename }});
  return import;
}

}  // namespace vora::metadata
