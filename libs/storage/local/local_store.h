#pragma once

// Objects in a local directory, shared by any number of processes on one machine (or on one POSIX file system with flock).
//
// An object is one file: its bytes, then a trailer (local_trailer.h). It is written under `.tmp`, synced, and renamed into place, so a
// reader or a crash sees the old object or the new one. Conditions are checked under a lock file (flock), one of 256 by key hash.
// ETags are random, so two Puts of the same bytes differ. Deletes are not synced: after a power loss an object
// deleted in the last seconds may be back.

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libs/storage/base/object_store.h"
#include "libs/storage/local/local_file.h"
#include "libs/storage/local/local_trailer.h"

namespace vora::storage {

class LocalObjectStore : public ObjectStore {
 public:
  // Makes the directory when it is missing and removes leftovers of crashed writers that are older than a day.
  static StatusOr<std::unique_ptr<LocalObjectStore>> Create(const std::string& directory);

  StatusOr<ObjectInfo> Put(const std::string& key, std::string_view bytes, const PutOptions& options) override;
  StatusOr<std::unique_ptr<ObjectReader>> Open(const std::string& key, int64_t offset, int64_t length) override;
  StatusOr<ObjectInfo> Head(const std::string& key) override;
  Status Delete(const std::string& key) override;
  StatusOr<ListPage> List(const std::string& prefix, const std::string& token, int max) override;
  StatusOr<std::string> CreateMultipart(const std::string& key, const MultipartOptions& options) override;
  StatusOr<CompletedPart> UploadPart(const std::string& key, const std::string& multipart_id, int number, std::string_view bytes) override;
  StatusOr<ObjectInfo> CompleteMultipart(const std::string& key, const std::string& multipart_id,
                                         const std::vector<CompletedPart>& parts) override;
  Status AbortMultipart(const std::string& key, const std::string& multipart_id) override;
  Status Ping() override;
  std::string Describe() const override;

 private:
  explicit LocalObjectStore(std::string directory) : directory_(std::move(directory)) {}

  struct OpenedObject {
    UniqueFd file;
    Trailer trailer;
  };
  struct Multipart;

  StatusOr<OpenedObject> OpenObject(const std::string& key) const;
  StatusOr<UniqueFd> LockKey(const std::string& key) const;
  // OK when what is stored under `key` now lets a write with `options` pass.
  Status CheckConditions(const std::string& key, const PutOptions& options) const;
  // Renames the synced file `name` of `folder` to where `key` belongs, if the conditions hold, and makes that durable.
  Status Commit(int folder, const std::string& name, const std::string& key, const PutOptions& options) const;
  Status RenameLocked(int folder, const std::string& name, const std::string& key, const PutOptions& options, UniqueFd& parent) const;
  StatusOr<Multipart> OpenMultipart(const std::string& key, const std::string& multipart_id) const;
  Status RemoveMultipart(const std::string& multipart_id) const;
  StatusOr<ObjectInfo> FinishedBefore(const std::string& key, const std::string& multipart_id) const;
  void RemoveLeftovers() const;
  Status Probe() const;

  std::string directory_;
  UniqueFd root_, temp_, multipart_, locks_;
  std::mutex ping_mutex_;
  std::chrono::steady_clock::time_point pinged_at_{};
  Status pinged_ = absl::OkStatus();
};

// What a trailer says of the object `key`.
ObjectInfo ToObjectInfo(const std::string& key, const Trailer& trailer);

}  // namespace vora::storage
