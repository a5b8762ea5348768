// A bucket's notifications, and names of files of sources: what is read is below the source's root, and comes back as it was written.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/sources/pinned_file.h"
#include "services/metadata/imports/bucket_events.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  vora::sources::SourceSpec source;
  for (const char* url : {"s3://media/in/films?endpoint=http://h", "s3://media", "file:///srv"}) {
    source.url = url;
    const auto events = vora::metadata::ParseBucketEvents(source, text);
    if (!events.ok()) continue;
    for (const std::string& key : events->keys) Require(!key.empty());
  }
  if (const auto file = vora::sources::ParsePinnedFile(text); file.ok()) {
    const auto again = vora::sources::ParsePinnedFile(vora::sources::FormatPinnedFile(*file));
    Require(again.ok() && again->key == file->key && again->etag == file->etag && again->size == file->size);
  }
  return 0;
}
