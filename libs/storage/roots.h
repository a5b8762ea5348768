#pragma once

// The two roots: what uploads bring (raw/, and the marks of uploads), and what is made of it (processed/). Both lie in VORA_STORAGE, unless
// one has a place, or keys, of its own, so that whoever needs one of them cannot reach the other.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/settings/settings.h"
#include "libs/storage/open_store.h"
#include "libs/storage/s3/s3_credentials.h"

namespace vora::storage {

enum class Root { kRaw, kProcessed };

// As it is in names of variables: RAW, PROCESSED.
std::string_view RootName(Root root);

// The environment as it is for the store of this name: of RAW, VORA_S3_RAW_... goes before VORA_S3_.... As soon as one of a store's own
// keys is set, no other keys are seen, neither VORA_S3_... nor those of AWS. Without `getenv`: that of this process.
Getenv EnvironmentOf(std::string_view name, Getenv getenv = nullptr);

// The settings of a daemon that uses these roots.
class StorageSettings {
 public:
  explicit StorageSettings(std::vector<Root> roots);
  // VORA_STORAGE, VORA_STORAGE_RAW and VORA_STORAGE_PROCESSED where the daemon uses them, and the keys; VORA_STORAGE is required unless all
  // of the others are set.
  void Declare(SettingsSchema& schema);
  StatusOr<std::shared_ptr<ObjectStore>> Open(Root root, obs::Metrics& metrics) const;
  // No root has a place or keys of its own.
  bool OneStore() const;

 private:
  struct Own {
    Root root;
    std::string url = {};
    S3RootCredentials credentials = {};
  };
  std::string storage_;
  S3Credentials credentials_;
  std::vector<Own> roots_;
};

// Both of them, for whoever uses both. The roots are one store where they lie in the same place.
struct Stores {
  Stores(ObjectStore& both) : raw(both), processed(both) {}  // NOLINT(google-explicit-constructor): one store serves as both
  Stores(ObjectStore& raw_root, ObjectStore& processed_root) : raw(raw_root), processed(processed_root) {}
  // The one in which keys of this prefix lie.
  ObjectStore& Of(std::string_view prefix) const;

  ObjectStore& raw;
  ObjectStore& processed;
};

}  // namespace vora::storage
