#pragma once

// Files of a source as imports. Pure.

#include <string>
#include <string_view>

#include "libs/sources/sources.h"
#include "services/metadata/imports/import_repo.h"

namespace vora::metadata {

// Whether a file is media by the end of its name: mp4 mkv avi mov webm flv wmv m4v ts mpg mxf, mp3 wav flac aac ogg opus m4a and their kin.
bool IsMediaName(std::string_view key);

// The import of a file of the source's tenant, as it is now.
NewImport ImportOf(const sources::Source& source, const storage::ObjectInfo& info);

}  // namespace vora::metadata
