#include "libs/storage/roots.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "libs/layout/layout.h"

namespace vora::storage {
namespace {

constexpr std::string_view kPrefix = "VORA_S3_";
// What says who asks. A root that has one of its own has all of its own.
constexpr std::array kOwnKeys = {"ACCESS_KEY", "SECRET_KEY", "SESSION_TOKEN", "CREDENTIALS", "ROLE_ARN"};
constexpr std::array kKeysOfAws = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN"};

template <typename List>
bool Contains(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string OwnVariable(std::string_view store, std::string_view what) {
  return std::string(kPrefix).append(store).append("_").append(what);
}

std::string UrlVariable(Root root) { return "VORA_STORAGE_" + std::string(RootName(root)); }

std::optional<std::string> OfThisProcess(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

std::string_view RootName(Root root) { return root == Root::kRaw ? "RAW" : "PROCESSED"; }

Getenv EnvironmentOf(std::string_view store, Getenv getenv) {
  if (!getenv) getenv = OfThisProcess;
  const bool own_keys = std::any_of(kOwnKeys.begin(), kOwnKeys.end(),
                                    [&](const char* what) { return !getenv(OwnVariable(store, what)).value_or("").empty(); });
  return [store = std::string(store), own_keys, getenv = std::move(getenv)](const std::string& name) -> std::optional<std::string> {
    if (!name.starts_with(kPrefix)) return own_keys && Contains(kKeysOfAws, name) ? std::nullopt : getenv(name);
    const std::string_view what = std::string_view(name).substr(kPrefix.size());
    if (auto own = getenv(OwnVariable(store, what)); own && !own->empty()) return own;
    return own_keys && Contains(kOwnKeys, what) ? std::nullopt : getenv(name);
  };
}

StorageSettings::StorageSettings(std::vector<Root> roots) {
  for (const Root root : roots) roots_.push_back({.root = root});
}

void StorageSettings::Declare(SettingsSchema& schema) {
  std::vector<std::string> unless;
  for (const Own& own : roots_) unless.push_back(UrlVariable(own.root));
  schema.Add("VORA_STORAGE", &storage_,
             "Object store: file:///absolute/path, or s3://BUCKET[/PREFIX]?endpoint=https://host:port&region=REGION&dialect=s3|gcs",
             {.required = true, .unless = unless});
  for (Own& own : roots_) {
    schema.Add(UrlVariable(own.root), &own.url,
               own.root == Root::kRaw ? "Where uploads lie, if elsewhere" : "Where what is made of uploads lies, if elsewhere");
  }
  credentials_.Declare(schema);
  for (Own& own : roots_) own.credentials.Declare(schema, RootName(own.root));
}

StatusOr<std::shared_ptr<ObjectStore>> StorageSettings::Open(Root root, obs::Metrics& metrics) const {
  const auto own = std::find_if(roots_.begin(), roots_.end(), [&](const Own& one) { return one.root == root; });
  const bool elsewhere = own != roots_.end() && !own->url.empty();
  auto store = OpenObjectStore(elsewhere ? own->url : storage_, metrics, EnvironmentOf(RootName(root)));
  if (!store.ok()) return Annotate(store.status(), elsewhere ? UrlVariable(root) : "VORA_STORAGE");
  return std::shared_ptr<ObjectStore>(*std::move(store));
}

bool StorageSettings::OneStore() const {
  return std::all_of(roots_.begin(), roots_.end(), [](const Own& own) { return own.url.empty() && own.credentials.none(); });
}

ObjectStore& Stores::Of(std::string_view prefix) const { return prefix.starts_with(layout::kProcessedPrefix) ? processed : raw; }

}  // namespace vora::storage
