#pragma once

// The settings of the metadata daemon.

#include <cstdint>
#include <string>
#include <vector>

#include "libs/settings/settings.h"
#include "services/metadata/metadata_app.h"

namespace vora::metadata {

struct MetadataSettings {
  AppOptions app;
  int64_t database_connections = 16;
  int64_t activity_slots = 8;
  double replaced_grace = 86400;
  std::string ladder_file;
  std::string sources;
  std::string playback_tokens = "off";
  std::string playback_keys;
  std::vector<std::string> fleet;

  void Declare(SettingsSchema& schema);
  // INVALID_ARGUMENT naming the variable.
  StatusOr<AppOptions> Options() const;
};

}  // namespace vora::metadata
