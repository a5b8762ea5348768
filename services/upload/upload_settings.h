#pragma once

// The upload daemon's settings.

#include <chrono>
#include <string>
#include <vector>

#include "libs/http/server/server.h"
#include "libs/run/retry.h"
#include "libs/settings/settings.h"
#include "libs/storage/roots.h"
#include "services/upload/state/upload_state.h"

namespace vora::upload {

struct UploadSettings {
  UploadSettings();

  std::string http_listen = "127.0.0.1:8081";
  http::ServerOptions http;  // the limits; the rest comes from the settings here
  storage::StorageSettings storage{{storage::Root::kRaw}};
  bool storage_allow_unsafe = false;
  std::vector<std::string> listeners;
  std::string base_path = "/files/";
  std::string public_url;
  std::vector<std::string> cors_origins{"*"};
  int64_t max_bytes = int64_t{64} << 30;
  int64_t max_active = 64;
  int64_t part_threads = 16;
  int64_t checkpoint_bytes = 32 << 20;
  std::chrono::milliseconds expiry{86'400'000};
  std::chrono::milliseconds sweep_interval{60'000};
  std::chrono::milliseconds idle_timeout{60'000};
  // How long short faults of the store are waited out before a client hears of them. Not a variable: tests shorten it.
  RetryOptions store_retry{.max_attempts = 4, .initial = std::chrono::milliseconds(100), .max = std::chrono::milliseconds(1000)};

  void Declare(SettingsSchema& schema);
  // INVALID_ARGUMENT naming the variable.
  Status Validate() const;
};

}  // namespace vora::upload
