#include "libs/storage/metered_store.h"

#include <algorithm>
#include <cctype>
#include <chrono>

namespace vora::storage {
namespace {

std::string ResultLabel(const Status& status) {
  std::string name = absl::StatusCodeToString(status.code());
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

const Status& StatusOf(const Status& status) { return status; }
template <typename T>
const Status& StatusOf(const StatusOr<T>& result) {
  return result.status();
}

class MeteredObjectStore : public ObjectStore {
 public:
  MeteredObjectStore(std::unique_ptr<ObjectStore> store, obs::Metrics& metrics) : store_(std::move(store)), metrics_(metrics) {}

  StatusOr<ObjectInfo> Put(const std::string& key, std::string_view bytes, const PutOptions& options) override {
    return Run("put", [&] { return store_->Put(key, bytes, options); });
  }
  StatusOr<std::unique_ptr<ObjectReader>> Open(const std::string& key, int64_t offset, int64_t length) override {
    return Run("open", [&] { return store_->Open(key, offset, length); });
  }
  StatusOr<ObjectInfo> Head(const std::string& key) override {
    return Run("head", [&] { return store_->Head(key); });
  }
  Status Delete(const std::string& key) override {
    return Run("delete", [&] { return store_->Delete(key); });
  }
  StatusOr<ListPage> List(const std::string& prefix, const std::string& token, int max) override {
    return Run("list", [&] { return store_->List(prefix, token, max); });
  }
  StatusOr<std::string> CreateMultipart(const std::string& key, const MultipartOptions& options) override {
    return Run("create_multipart", [&] { return store_->CreateMultipart(key, options); });
  }
  StatusOr<CompletedPart> UploadPart(const std::string& key, const std::string& multipart_id, int number, std::string_view bytes) override {
    return Run("upload_part", [&] { return store_->UploadPart(key, multipart_id, number, bytes); });
  }
  StatusOr<ObjectInfo> CompleteMultipart(const std::string& key, const std::string& multipart_id,
                                         const std::vector<CompletedPart>& parts) override {
    return Run("complete_multipart", [&] { return store_->CompleteMultipart(key, multipart_id, parts); });
  }
  Status AbortMultipart(const std::string& key, const std::string& multipart_id) override {
    return Run("abort_multipart", [&] { return store_->AbortMultipart(key, multipart_id); });
  }
  Status Ping() override { return store_->Ping(); }
  std::string Describe() const override { return store_->Describe(); }

 private:
  template <typename Call>
  auto Run(const char* op, Call call) -> decltype(call()) {
    auto begin = std::chrono::steady_clock::now();
    auto result = call();
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    metrics_
        .AddCounter("vora_object_store_requests_total", "Calls of the object store.",
                    {{"op", op}, {"result", ResultLabel(StatusOf(result))}})
        .Increment();
    metrics_.AddHistogram("vora_object_store_duration_seconds", "Time a call of the object store took.", {{"op", op}})
        .Observe(took.count());
    return result;
  }

  std::unique_ptr<ObjectStore> store_;
  obs::Metrics& metrics_;
};

}  // namespace

std::unique_ptr<ObjectStore> MeterObjectStore(std::unique_ptr<ObjectStore> store, obs::Metrics& metrics) {
  return std::make_unique<MeteredObjectStore>(std::move(store), metrics);
}

}  // namespace vora::storage
