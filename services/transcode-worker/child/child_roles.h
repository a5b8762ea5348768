#pragma once

// What children do: a role for each kind of work on a source, in one table.

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/media/base/byte_source.h"
#include "vora/media/v1/media.pb.h"

namespace vora::transcode {

inline constexpr int kChildSocket = 3;
inline constexpr int kChildFirstShared = 4;
inline constexpr char kCheckRole[] = "check";  // tries what its sandbox forbids

// Of a role that makes a part of the video (ExtractPartInput).
struct ExtractedPart {
  const char* activity = nullptr;  // its type; null: the role makes no part
  // The objects that the child sends, all of them and in this order. Each is a part by libs/layout.
  std::vector<std::string> (*objects)(const media::v1::MediaInfo& media) = nullptr;
  // The object that names the others, which the worker itself writes, last, since players trust it. null: there is none, and the first
  // object is the part.
  const char* index = nullptr;
  std::string (*index_text)(const media::v1::MediaInfo& media) = nullptr;
};

struct ChildRole {
  std::string_view name;
  // `jobs` are serialised inputs of activities. Returns the payload of the result message.
  StatusOr<std::string> (*run)(media::ByteSource& source, const std::vector<std::string>& jobs) = nullptr;
  int nice = 0;            // nobody waits for pictures beside the video, but for everything else
  bool long_work = false;  // as long as the source is; else of a minute or so
  ExtractedPart part = {};
};

const std::vector<ChildRole>& ChildRoles();
// nullptr: there is none of that name.
const ChildRole* FindChildRole(std::string_view name);

}  // namespace vora::transcode
