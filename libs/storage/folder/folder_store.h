#pragma once

// The files of a folder that others keep, as objects: read only. A key is a file's path below the folder; an ETag is its size and time of
// change. Symbolic links are never followed. Hidden files and folders (names that begin with a dot) are left out of listings.

#include <memory>
#include <mutex>
#include <string>

#include "libs/storage/base/read_only_store.h"

namespace vora::storage {

class FolderWalk;

class FolderStore final : public ReadOnlyStore {
 public:
  // An absolute path. The folder may be away, as a share that is not mounted: calls say UNAVAILABLE then.
  explicit FolderStore(std::string directory);
  ~FolderStore() override;

  // Reads are ABORTED once the file is another than when it was opened.
  StatusOr<std::unique_ptr<ObjectReader>> Open(const std::string& key, int64_t offset, int64_t length) override;
  StatusOr<ObjectInfo> Head(const std::string& key) override;
  // `page.unusable` names what lies there and is no object: links, names that are no keys, folders that may not be read.
  StatusOr<ListPage> List(const std::string& prefix, const std::string& token, int max) override;
  Status Ping() override;
  std::string Describe() const override { return "file://" + directory_; }

 private:
  // NOT_FOUND of a file is believed only where there are others: a share that is not mounted is an empty folder.
  Status Judge(const Status& failed) const;

  const std::string directory_;
  // Where the last page ended, so that the next one of a large folder need not read it anew.
  std::mutex mutex_;
  std::string walk_prefix_, walk_token_;
  std::unique_ptr<FolderWalk> walk_;
};

}  // namespace vora::storage
