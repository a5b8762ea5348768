#include "libs/storage/open_store.h"

#include <cstdlib>
#include <filesystem>

#include "libs/core/encoding.h"
#include "libs/storage/base/metered_store.h"
#include "libs/storage/base/read_only_store.h"
#include "libs/storage/folder/folder_store.h"
#include "libs/storage/local/local_store.h"
#include "libs/storage/s3/s3_store.h"

namespace vora::storage {
namespace {

constexpr std::string_view kFile = "file://";

// The folder that file:///absolute/path names.
StatusOr<std::string> FolderOf(std::string_view url) {
  const std::string_view path = url.substr(kFile.size());
  const auto directory = PercentDecode(path);
  if (!directory || directory->size() < 2 || directory->front() != '/' || directory->find('\0') != std::string::npos) {
    return InvalidArgument("object store file://" + std::string(path) + ": needs an absolute path, as in file:///srv/vora");
  }
  std::string normal = std::filesystem::path(*directory).lexically_normal().string();
  if (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

Status UnknownScheme() { return InvalidArgument("object store: the URL must begin with file:/// or s3://"); }

std::optional<std::string> FromEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

StatusOr<std::unique_ptr<ObjectStore>> OpenObjectStore(const std::string& url, obs::Metrics& metrics) {
  return OpenObjectStore(url, metrics, FromEnvironment);
}

StatusOr<std::unique_ptr<ObjectStore>> OpenObjectStore(const std::string& url, obs::Metrics& metrics, const Getenv& getenv) {
  std::unique_ptr<ObjectStore> store;
  if (url.starts_with(kFile)) {
    VORA_ASSIGN_OR_RETURN(const std::string folder, FolderOf(url));
    VORA_ASSIGN_OR_RETURN(store, LocalObjectStore::Create(folder));
  } else if (url.starts_with("s3://")) {
    VORA_ASSIGN_OR_RETURN(S3Config config, ParseS3Url(url, getenv));
    store = std::make_unique<S3ObjectStore>(std::move(config));
  } else {
    return UnknownScheme();
  }
  return MeterObjectStore(std::move(store), metrics);
}

StatusOr<std::string> PlaceOf(const std::string& url, const Getenv& getenv) {
  if (url.starts_with(kFile)) {
    VORA_ASSIGN_OR_RETURN(const std::string folder, FolderOf(url));
    std::error_code error;
    const auto place = std::filesystem::weakly_canonical(folder, error);
    if (error) return InvalidArgument("object store " + url + ": " + error.message());
    return std::string(kFile) + place.string();
  }
  if (!url.starts_with("s3://")) return UnknownScheme();
  VORA_ASSIGN_OR_RETURN(S3Config config, ParseS3Url(url, getenv));
  return S3ObjectStore(std::move(config)).Describe();
}

StatusOr<std::unique_ptr<ObjectStore>> OpenForeignStore(const std::string& url, const Getenv& getenv, obs::Metrics& metrics) {
  std::unique_ptr<ObjectStore> store;
  if (url.starts_with(kFile)) {
    VORA_ASSIGN_OR_RETURN(std::string folder, FolderOf(url));
    store = std::make_unique<FolderStore>(std::move(folder));
  } else if (url.starts_with("s3://")) {
    VORA_ASSIGN_OR_RETURN(S3Config config, ParseS3Url(url, getenv));
    store = MakeReadOnly(std::make_unique<S3ObjectStore>(std::move(config)));
  } else {
    return UnknownScheme();
  }
  return MeterObjectStore(std::move(store), metrics);
}

}  // namespace vora::storage
