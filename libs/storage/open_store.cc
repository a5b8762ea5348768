#include "libs/storage/open_store.h"

#include <cstdlib>
#include <filesystem>

#include "libs/core/encoding.h"
#include "libs/storage/base/metered_store.h"
#include "libs/storage/local/local_store.h"
#include "libs/storage/s3/s3_store.h"

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

}  // namespace vora::storage
