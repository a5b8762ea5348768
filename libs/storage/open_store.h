#pragma once

// The store that VORA_STORAGE names.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "libs/obs/metrics.h"
#include "libs/storage/base/object_store.h"

namespace vora::storage {

// Opens `url`: file:///absolute/path, or s3://BUCKET[/PREFIX]?endpoint=http://host:port&region=us-east-1&dialect=s3 with credentials from
// the environment, or what `getenv` says in its place (see ParseS3KeyConfig). INVALID_ARGUMENT names what is wrong.
using Getenv = std::function<std::optional<std::string>(const std::string& name)>;
StatusOr<std::unique_ptr<ObjectStore>> OpenObjectStore(const std::string& url, obs::Metrics& metrics, const Getenv& getenv);
StatusOr<std::unique_ptr<ObjectStore>> OpenObjectStore(const std::string& url, obs::Metrics& metrics);

// Where `url` leads, so that two URLs of one place are one text, and what lies inside a place begins with that and a slash:
// "file:///srv/vora" with no link in it, or "s3://host/bucket/prefix". Nothing is made or asked. INVALID_ARGUMENT as above.
StatusOr<std::string> PlaceOf(const std::string& url, const Getenv& getenv);

// Files that others keep, only to be read: file:///absolute/path is a plain folder of them. `getenv` gives the keys of an s3:// store, by
// the names above. INVALID_ARGUMENT names what is wrong.
StatusOr<std::unique_ptr<ObjectStore>> OpenForeignStore(const std::string& url, const Getenv& getenv, obs::Metrics& metrics);

}  // namespace vora::storage
