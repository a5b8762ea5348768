#include "libs/storage/base/read_only_store.h"

namespace vora::storage {
namespace {

class ReadOnlyView final : public ReadOnlyStore {
 public:
  explicit ReadOnlyView(std::unique_ptr<ObjectStore> store) : store_(std::move(store)) {}
  StatusOr<std::unique_ptr<ObjectReader>> Open(const std::string& key, int64_t offset, int64_t length) override {
    return store_->Open(key, offset, length);
  }
  StatusOr<ObjectInfo> Head(const std::string& key) override { return store_->Head(key); }
  StatusOr<ListPage> List(const std::string& prefix, const std::string& token, int max) override {
    return store_->List(prefix, token, max);
  }
  Status Ping() override { return store_->Ping(); }
  std::string Describe() const override { return store_->Describe(); }

 private:
  const std::unique_ptr<ObjectStore> store_;
};

}  // namespace

Status ReadOnlyStore::Refuse(const std::string& key) const {
  return PermissionDenied(Describe() + " is only read: " + key + " is not written");
}

StatusOr<ObjectInfo> ReadOnlyStore::Put(const std::string& key, std::string_view, const PutOptions&) { return Refuse(key); }
Status ReadOnlyStore::Delete(const std::string& key) { return Refuse(key); }
StatusOr<std::string> ReadOnlyStore::CreateMultipart(const std::string& key, const MultipartOptions&) { return Refuse(key); }
StatusOr<CompletedPart> ReadOnlyStore::UploadPart(const std::string& key, const std::string&, int, std::string_view) { return Refuse(key); }
StatusOr<ObjectInfo> ReadOnlyStore::CompleteMultipart(const std::string& key, const std::string&, const std::vector<CompletedPart>&) {
  return Refuse(key);
}
Status ReadOnlyStore::AbortMultipart(const std::string& key, const std::string&) { return Refuse(key); }

std::unique_ptr<ObjectStore> MakeReadOnly(std::unique_ptr<ObjectStore> store) { return std::make_unique<ReadOnlyView>(std::move(store)); }

}  // namespace vora::storage
