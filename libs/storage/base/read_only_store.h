#pragma once

// Stores that nothing of ours may write to: other people's files.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/storage/base/object_store.h"

namespace vora::storage {

// Every call that writes: PERMISSION_DENIED, before anything is asked of the store.
class ReadOnlyStore : public ObjectStore {
 public:
  StatusOr<ObjectInfo> Put(const std::string& key, std::string_view bytes, const PutOptions& options) final;
  Status Delete(const std::string& key) final;
  StatusOr<std::string> CreateMultipart(const std::string& key, const MultipartOptions& options) final;
  StatusOr<CompletedPart> UploadPart(const std::string& key, const std::string& multipart_id, int number, std::string_view bytes) final;
  StatusOr<ObjectInfo> CompleteMultipart(const std::string& key, const std::string& multipart_id,
                                         const std::vector<CompletedPart>& parts) final;
  Status AbortMultipart(const std::string& key, const std::string& multipart_id) final;

 private:
  Status Refuse(const std::string& key) const;
};

// Reads what `store` has.
std::unique_ptr<ObjectStore> MakeReadOnly(std::unique_ptr<ObjectStore> store);

}  // namespace vora::storage
