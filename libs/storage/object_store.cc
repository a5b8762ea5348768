#include "libs/storage/object_store.h"

#include <cstdlib>
#include <filesystem>

#include "libs/core/encoding.h"
#include "libs/storage/local_store.h"
#include "libs/storage/metered_store.h"
#include "libs/storage/s3_store.h"

namespace vora::storage {
namespace {

StatusOr<std::unique_ptr<ObjectStore>> OpenLocal(std::string_view path) {
  auto directory = PercentDecode(path);
  if (!directory || directory->size() < 2 || directory->front() != '/' || directory->find('\0') != std::string::npos) {
    return InvalidArgument("object store file://" + std::string(path) + ": needs an absolute path, as in file:///srv/vora");
  }
  std::string normal = std::filesystem::path(*directory).lexically_normal().string();
  if (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  VORA_ASSIGN_OR_RETURN(std::unique_ptr<LocalObjectStore> store, LocalObjectStore::Create(normal));
  return std::unique_ptr<ObjectStore>(std::move(store));
}

std::optional<std::string> FromEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

StatusOr<std::unique_ptr<ObjectStore>> OpenObjectStore(const std::string& url, obs::Metrics& metrics) {
  constexpr std::string_view kFile = "file://";
  std::unique_ptr<ObjectStore> store;
  if (std::string_view(url).substr(0, kFile.size()) == kFile) {
    VORA_ASSIGN_OR_RETURN(store, OpenLocal(std::string_view(url).substr(kFile.size())));
  } else if (url.compare(0, 5, "s3://") == 0) {
    VORA_ASSIGN_OR_RETURN(S3Config config, ParseS3Url(url, FromEnvironment));
    store = std::make_unique<S3ObjectStore>(std::move(config));
  } else {
    return InvalidArgument("object store: the URL must begin with file:/// or s3://");
  }
  return MeterObjectStore(std::move(store), metrics);
}

StatusOr<std::string> ObjectStore::Get(const std::string& key, int64_t limit, ObjectInfo* info) {
  VORA_ASSIGN_OR_RETURN(std::unique_ptr<ObjectReader> reader, Open(key));
  int64_t size = reader->info().size;
  if (size > limit) {
    return ResourceExhausted("object " + key + " has " + std::to_string(size) + " bytes, at most " + std::to_string(limit) + " are read");
  }
  std::string bytes(static_cast<size_t>(size), '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    VORA_ASSIGN_OR_RETURN(size_t n, reader->Read(bytes.data() + filled, bytes.size() - filled));
    if (n == 0) return Unavailable("object " + key + " ended early");
    filled += n;
  }
  if (info != nullptr) *info = reader->info();
  return bytes;
}

StatusOr<int64_t> ObjectStore::DeletePrefix(const std::string& prefix) {
  if (prefix.size() < 2 || prefix.back() != '/') return InvalidArgument("delete prefix: must end in '/', is '" + prefix + "'");
  int64_t deleted = 0;
  std::string token;
  do {
    VORA_ASSIGN_OR_RETURN(ListPage page, List(prefix, token));
    for (const ObjectInfo& object : page.objects) {
      VORA_RETURN_IF_ERROR(Delete(object.key));
      ++deleted;
    }
    token = page.next_token;
  } while (!token.empty());
  return deleted;
}

}  // namespace vora::storage
