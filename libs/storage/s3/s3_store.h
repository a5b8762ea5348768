#pragma once

// Objects in a bucket of an S3 store, path style. Every write carries a random token as metadata (x-amz-meta-vora-write), so that a
// write whose answer was lost is recognised as one's own when the condition fails on the second try.

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "libs/storage/base/object_store.h"
#include "libs/storage/s3/s3_client.h"
#include "libs/storage/s3/s3_config.h"
#include "libs/storage/s3/s3_xml.h"

namespace vora::storage {

class S3ObjectStore : public ObjectStore {
 public:
  // Does not connect; Ping does. `clock` outlives it.
  explicit S3ObjectStore(S3Config config, const Clock& clock = Clock::Real())
      : client_(std::make_shared<S3Client>(std::move(config), clock)) {}

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
  StatusOr<Abilities> FindAbilities(const std::string& key) override;
  std::string Describe() const override;

 private:
  // AWS reads If-Match as RFC 9110 has it; RGW compares it with the bare ETag. Found out with the first conditional write. Google knows
  // generations of an object instead.
  enum class EtagStyle { kUnknown, kQuoted, kBare };
  struct WrittenObject {
    ObjectInfo info;
    std::string write_token;
    std::string generation;  // Google's
  };

  std::string FullKey(const std::string& key) const { return client_->config().prefix + key; }
  StatusOr<WrittenObject> HeadWritten(const std::string& key);
  // What lies in an upload. NOT_FOUND: there is none.
  StatusOr<std::vector<S3PartPage::Part>> ListParts(const std::string& key, const std::string& upload_id);
  StatusOr<bool> ListsParts(const std::string& key);
  StatusOr<bool> ChecksSums(const std::string& key);
  // That `parts` lie there: SeaweedFS makes an object without those that were never sent. The size of the object that they make, nullopt
  // where the store does not tell; INVALID_ARGUMENT names a part that is not there.
  StatusOr<std::optional<int64_t>> CheckParts(const std::string& key, const std::string& upload_id,
                                              const std::vector<CompletedPart>& parts);
  // The header that makes a write conditional; empty: it is not.
  using Condition = std::pair<std::string, std::string>;
  // As Google has it: 0, or the generation that has this ETag now. ABORTED or NOT_FOUND: another has it, or there is no object.
  StatusOr<Condition> GenerationCondition(const std::string& key, const PutOptions& options);
  StatusOr<Condition> ConditionOf(const std::string& key, const PutOptions& options, EtagStyle style);
  // Of a request that begins an object.
  static std::map<std::string, std::string> HeadersOf(const std::string& content_type, const std::string& copied_from,
                                                      const std::string& token);
  StatusOr<S3Response> SendPut(const std::string& key, std::string_view bytes, const PutOptions& options, const std::string& token,
                               const Condition& condition);
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
