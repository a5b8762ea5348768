#pragma once

// Walks the files below a folder in the byte order of their keys, a page at a time.

#include <string>
#include <string_view>
#include <vector>

#include "libs/storage/base/object_store.h"
#include "libs/storage/local/local_file.h"

struct stat;

namespace vora::storage {

// Of a file: its size and time of change, and an ETag made of these.
ObjectInfo InfoOfFile(const std::string& key, const struct stat& stat);

class FolderWalk {
 public:
  // What is below `root` (an open folder) with keys that begin with `prefix` and are greater than `after`.
  FolderWalk(UniqueFd root, std::string prefix, std::string after);
  // Adds up to `max` objects and unusable names to the page; sets its next_token, the last key that was looked at, when there is more.
  Status Fill(size_t max, ListPage& page);

 private:
  struct Entry {
    std::string text;        // as a piece of a key: a folder's ends in '/'
    unsigned char type = 0;  // d_type of readdir(3)
  };
  struct Frame {
    UniqueFd folder;
    std::string base;  // the key of the folder: empty, or ends in '/'
    std::vector<Entry> entries;
    size_t next = 0;
  };
  static StatusOr<std::vector<Entry>> Read(int folder);
  Status Enter(UniqueFd folder, const std::string& base);
  bool IsWanted(const Entry& entry, std::string_view key) const;
  Status Visit(int folder, const Entry& entry, const std::string& key, ListPage& page);

  const std::string prefix_, after_;
  UniqueFd root_;
  bool begun_ = false;
  std::vector<Frame> frames_;
};

}  // namespace vora::storage
