#pragma once

// Objects in a bucket of an S3 store, path style. Every write carries a random token as metadata (x-amz-meta-vora-write), so that a
// write whose answer was lost is recognised as one's own when the condition fails on the second try.

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "libs/storage/base/object_store.h"
#include "libs/storage/s3/s3_client.h"
#include "libs/storage/s3/s3_config.h"

namespace vora::storage {

class S3ObjectStore : public ObjectStore {
 public:
  // Does not connect; Ping does.
  explicit S3ObjectStore(S3Config config) : client_(std::make_shared<S3Client>(std::move(config))) {}

  StatusOr<ObjectInfo> Put(const std::string& key, std::string_view bytes, const PutOptions& options) override;
  // Readers go on by themselves when the connection breaks, as long as the object is still the same.
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
  // AWS reads If-Match as RFC 9110 has it; RGW compares it with the bare ETag. Found out with the first conditional write.
  enum class EtagStyle { kUnknown, kQuoted, kBare };
  struct WrittenObject {
    ObjectInfo info;
    std::string write_token;
  };

  std::string FullKey(const std::string& key) const { return client_->config().prefix + key; }
  StatusOr<WrittenObject> HeadWritten(const std::string& key);
  // False only when the store says so.
  bool MultipartExists(const std::string& key, const std::string& upload_id);
  StatusOr<S3Response> SendPut(const std::string& key, std::string_view bytes, const PutOptions& options, const std::string& token,
                               EtagStyle style);
  // The result of a write whose condition failed; nullopt: try again with the ETag in the other style.
  std::optional<StatusOr<ObjectInfo>> JudgeFailedCondition(const std::string& key, const PutOptions& options, const std::string& token,
                                                           EtagStyle style);

  const std::shared_ptr<S3Client> client_;  // shared with the readers
  std::atomic<EtagStyle> etag_style_{EtagStyle::kUnknown};
  std::mutex ping_mutex_;
  std::chrono::steady_clock::time_point pinged_at_{};
  Status pinged_ = absl::OkStatus();
};

}  // namespace vora::storage
