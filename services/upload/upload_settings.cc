#include "services/upload/upload_settings.h"

#include "libs/curl/url.h"

namespace vora::upload {
namespace {

SettingOptions Between(int64_t min, int64_t max) {
  SettingOptions options;
  options.min = min;
  options.max = max;
  return options;
}

}  // namespace

UploadSettings::UploadSettings() {
  http.max_connections_per_client = 256;
  http.max_requests_per_second_per_client = 500;
  http.min_body_rate = 1024;
}

void UploadSettings::Declare(SettingsSchema& schema) {
  schema.Add("VORA_HTTP_LISTEN", &http_listen, "Address of the tus endpoint, host:port; port 0 takes any free one");
  storage.Declare(schema);
  schema.Add("VORA_STORAGE_ALLOW_UNSAFE", &storage_allow_unsafe,
             "Start although the store does not honour conditional writes; only ever with a single replica");
  schema.Add("VORA_UPLOAD_LISTENERS", &listeners, "host:port of the UploadListener services that are told of finished uploads");
  schema.Add("VORA_UPLOAD_BASE_PATH", &base_path, "Path of the tus endpoint");
  schema.Add("VORA_UPLOAD_PUBLIC_URL", &public_url, "Scheme and host for Location headers; empty: as the client named them");
  schema.Add("VORA_UPLOAD_CORS_ORIGINS", &cors_origins, "Web origins that may upload; * for any");
  schema.AddBytes("VORA_UPLOAD_MAX_BYTES", &max_bytes, "Largest upload (Tus-Max-Size)", Between(1, kMaxUploadBytes));
  schema.Add("VORA_UPLOAD_MAX_ACTIVE", &max_active, "Uploads received at the same time, 16 MiB of memory each; more get 503",
             Between(1, 4096));
  schema.Add("VORA_UPLOAD_PART_THREADS", &part_threads, "Threads that write parts into the object store", Between(1, 256));
  schema.AddBytes("VORA_UPLOAD_CHECKPOINT_BYTES", &checkpoint_bytes, "How much of a running request a crash may cost at most",
                  Between(kPartSize, int64_t{1} << 30));
  schema.Add("VORA_UPLOAD_EXPIRY", &expiry, "How long an unfinished upload may rest before it is deleted",
             Between(1000, 365LL * 86'400'000));
  schema.Add("VORA_UPLOAD_SWEEP_INTERVAL", &sweep_interval, "How often expired and abandoned uploads are looked for",
             Between(100, 86'400'000));
  schema.Add("VORA_UPLOAD_IDLE_TIMEOUT", &idle_timeout, "How long a client may send nothing", Between(1000, 3'600'000));
  http::DeclareLimits(schema, http);
}

Status UploadSettings::Validate() const {
  if (base_path.size() < 2 || base_path.front() != '/' || base_path.find_first_of("{}?#% ") != std::string::npos ||
      base_path.find("//") != std::string::npos) {
    return InvalidArgument("VORA_UPLOAD_BASE_PATH=" + base_path + ": must begin with / and name a folder, like /files/");
  }
  return public_url.empty() ? Status() : curl::CheckServerUrl("VORA_UPLOAD_PUBLIC_URL", public_url);
}

}  // namespace vora::upload
