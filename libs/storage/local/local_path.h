#pragma once

// Maps object keys to file names and back. Pure. Folders keep the segment's name and objects get an '@' after it, so that `a` and
// `a/b` can both exist; '^' ends a folder whose name begins with '.' (the store's own folders do) or ends in one of @ ^ ~; and
// a segment of 200 bytes or more is split into folders ending in '~', as file systems allow 255 bytes. Example:
// raw/0190/original -> raw/0190/original@

#include <optional>
#include <string>
#include <string_view>

namespace vora::storage {

struct LocalPath {
  std::string folder;  // relative to the root, "." for the root itself
  std::string name;
};

// `key` must be valid (ValidateKey).
LocalPath ToLocalPath(std::string_view key);

// One directory entry as a piece of a key: `text` is appended to the key of its folder (folders end in '/', but for split segments).
// In byte order of `text`, entries of one folder and all that is below them are in the byte order of their keys.
struct KeyFragment {
  std::string text;
  bool is_object = false;
};
// nullopt: not an entry that ToLocalPath makes.
std::optional<KeyFragment> ToKeyFragment(std::string_view entry);

}  // namespace vora::storage
