#include "libs/storage/base/metered_store.h"

#include <algorithm>
#include <cctype>
#include <chrono>

#include "libs/obs/span.h"
#include "libs/storage/metrics.h"

namespace vora::storage {
namespace {

constexpr std::chrono::milliseconds kWorthASpan{10};

// That there is no such object, or that another came first, is an answer and no fault.
bool IsAnswer(const Status& status) {
  return status.code() == StatusCode::kNotFound || status.code() == StatusCode::kAlreadyExists || status.code() == StatusCode::kAborted;
}

const Status& StatusOf(const Status& status) { return status; }
template <typename T>
const Status& StatusOf(const StatusOr<T>& result) {
  return result.status();
}

// Counts what is read.
class MeteredReader : public ObjectReader {
 public:
  MeteredReader(std::unique_ptr<ObjectReader> reader, obs::Metrics& metrics)
      : reader_(std::move(reader)), bytes_(kBytes.In(metrics, {"read"})), failures_(kReadFailures.In(metrics)) {}
  const ObjectInfo& info() const override { return reader_->info(); }
  StatusOr<size_t> Read(char* buffer, size_t size) override {
    auto got = reader_->Read(buffer, size);
    if (got.ok()) {
      bytes_.Increment(static_cast<double>(*got));
    } else {
      failures_.Increment();
    }
    return got;
  }

 private:
  const std::unique_ptr<ObjectReader> reader_;
  obs::Counter& bytes_;
  obs::Counter& failures_;
};

class MeteredObjectStore : public ObjectStore {
 public:
  MeteredObjectStore(std::unique_ptr<ObjectStore> store, obs::Metrics& metrics)
      : store_(std::move(store)), metrics_(metrics), written_(kBytes.In(metrics, {"written"})) {
    // Made now, so that they show as 0 and not as missing until the first read.
    kBytes.In(metrics, {"read"});
    kReadFailures.In(metrics);
  }

  StatusOr<ObjectInfo> Put(const std::string& key, std::string_view bytes, const PutOptions& options) override {
    return Written(bytes, Run("put", key, [&] { return store_->Put(key, bytes, options); }));
  }
  StatusOr<std::unique_ptr<ObjectReader>> Open(const std::string& key, int64_t offset, int64_t length) override {
    auto reader = Run("open", key, [&] { return store_->Open(key, offset, length); });
    if (!reader.ok()) return reader;
    return std::unique_ptr<ObjectReader>(std::make_unique<MeteredReader>(*std::move(reader), metrics_));
  }
  StatusOr<ObjectInfo> Head(const std::string& key) override {
    return Run("head", key, [&] { return store_->Head(key); });
  }
  Status Delete(const std::string& key) override {
    return Run("delete", key, [&] { return store_->Delete(key); });
  }
  StatusOr<ListPage> List(const std::string& prefix, const std::string& token, int max) override {
    return Run("list", prefix, [&] { return store_->List(prefix, token, max); });
  }
  StatusOr<std::string> CreateMultipart(const std::string& key, const MultipartOptions& options) override {
    return Run("create_multipart", key, [&] { return store_->CreateMultipart(key, options); });
  }
  StatusOr<CompletedPart> UploadPart(const std::string& key, const std::string& multipart_id, int number, std::string_view bytes) override {
    return Written(bytes, Run("upload_part", key, [&] { return store_->UploadPart(key, multipart_id, number, bytes); }));
  }
  StatusOr<ObjectInfo> CompleteMultipart(const std::string& key, const std::string& multipart_id,
                                         const std::vector<CompletedPart>& parts) override {
    return Run("complete_multipart", key, [&] { return store_->CompleteMultipart(key, multipart_id, parts); });
  }
  Status AbortMultipart(const std::string& key, const std::string& multipart_id) override {
    return Run("abort_multipart", key, [&] { return store_->AbortMultipart(key, multipart_id); });
  }
  Status Ping() override { return store_->Ping(); }
  StatusOr<Abilities> FindAbilities(const std::string& key) override { return store_->FindAbilities(key); }
  std::string Describe() const override { return store_->Describe(); }

 private:
  template <typename Call>
  auto Run(const char* op, const std::string& key, Call call) -> decltype(call()) {
    auto begin = std::chrono::steady_clock::now();
    const auto began_at = std::chrono::system_clock::now();
    auto result = call();
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    kRequests.In(metrics_, {op, CodeName(StatusOf(result).code())}).Increment();
    kDuration.In(metrics_, {op}).Observe(took.count());
    if (obs::RecordsCurrentTrace()) RecordSpan(op, key, began_at, took, StatusOf(result));
    return result;
  }
  // Only calls that tell something: a video has thousands of them.
  static void RecordSpan(const char* op, const std::string& key, SystemTime start, std::chrono::duration<double> took,
                         const Status& status) {
    const bool failed = !status.ok() && !IsAnswer(status);
    if (!failed && took < kWorthASpan) return;
    obs::RecordStep(std::string("object_store ") + op, obs::SpanKind::kClient, start, failed ? status : Status(),
                    {{"vora.object.key", key}, {"vora.result", CodeName(status.code())}});
  }
  template <typename Result>
  Result Written(std::string_view bytes, Result result) {
    if (result.ok()) written_.Increment(static_cast<double>(bytes.size()));
    return result;
  }

  std::unique_ptr<ObjectStore> store_;
  obs::Metrics& metrics_;
  obs::Counter& written_;
};

}  // namespace

std::unique_ptr<ObjectStore> MeterObjectStore(std::unique_ptr<ObjectStore> store, obs::Metrics& metrics) {
  return std::make_unique<MeteredObjectStore>(std::move(store), metrics);
}

}  // namespace vora::storage
