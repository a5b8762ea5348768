#include "libs/storage/s3/s3_config.h"

#include <algorithm>
#include <string_view>

#include <absl/strings/ascii.h>

#include "libs/core/encoding.h"
#include "libs/curl/url.h"
#include "libs/storage/base/key.h"
#include "libs/storage/s3/s3_key_config.h"

namespace vora::storage {
namespace {

Status Wrong(std::string_view what) { return InvalidArgument("object store s3://: " + std::string(what)); }

bool IsBucketName(std::string_view name) {
  auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; };
  return name.size() >= 3 && name.size() <= 63 && std::all_of(name.begin(), name.end(), allowed) && name.find("..") == name.npos;
}

bool IsRegion(std::string_view text) {
  const auto allowed = [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_'; };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), allowed);
}

// Of all locations, or of one: storage.googleapis.com, storage.europe-west3.rep.googleapis.com.
bool IsGoogle(std::string_view authority) { return authority == "storage.googleapis.com" || authority.ends_with(".rep.googleapis.com"); }

Status ParseEndpoint(std::string_view text, S3Config& config) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) return Wrong("endpoint must begin with http:// or https://");
  const auto url = curl::ParseHttpUrl(text);
  if (!url || url->has_user || url->has_query || url->has_fragment || (url->path != "" && url->path != "/")) {
    return Wrong("endpoint must be scheme://host[:port] without a path or a user");
  }
  config.https = url->https;
  // curl leaves the scheme's own port out of the Host header, which is signed.
  config.authority = url->authority;
  return absl::OkStatus();
}

Status ParseQuery(std::string_view query, S3Config& config, std::string& dialect) {
  while (!query.empty()) {
    std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    size_t equals = pair.find('=');
    std::string_view name = pair.substr(0, equals);
    auto value = PercentDecode(equals == pair.npos ? std::string_view() : pair.substr(equals + 1));
    if (!value || value->empty()) return Wrong("parameter '" + std::string(name) + "' has no valid value");
    if (name == "endpoint") {
      VORA_RETURN_IF_ERROR(ParseEndpoint(*value, config));
    } else if (name == "region") {
      config.region = *value;
    } else if (name == "dialect") {
      if (*value != "s3" && *value != "gcs") return Wrong("dialect must be s3 or gcs");
      dialect = *value;
    } else {
      return Wrong("unknown parameter '" + std::string(name) + "' (endpoint, region and dialect are known)");
    }
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<S3Config> ParseS3Url(const std::string& url, const std::function<std::optional<std::string>(const std::string&)>& getenv) {
  constexpr std::string_view kScheme = "s3://";
  std::string_view rest = url;
  if (rest.substr(0, kScheme.size()) != kScheme) return Wrong("the URL must begin with s3://");
  rest.remove_prefix(kScheme.size());
  S3Config config;
  config.region.clear();
  std::string dialect;
  if (size_t mark = rest.find('?'); mark != rest.npos) {
    VORA_RETURN_IF_ERROR(ParseQuery(rest.substr(mark + 1), config, dialect));
    rest = rest.substr(0, mark);
  }
  if (dialect.empty() && IsGoogle(config.authority)) dialect = "gcs";
  if (dialect == "gcs") {
    config.dialect = S3Dialect::kGoogle;
    if (config.authority.empty()) config.authority = "storage.googleapis.com";
  }
  if (config.region.empty()) config.region = dialect == "gcs" ? "auto" : "us-east-1";
  if (!IsRegion(config.region)) return Wrong("region is not a valid name");
  if (config.authority.empty()) config.authority = "s3." + config.region + ".amazonaws.com";
  config.bucket = rest.substr(0, rest.find('/'));
  if (!IsBucketName(config.bucket)) return Wrong("'" + config.bucket + "' is not a bucket name (3 to 63 of a-z 0-9 . - _)");
  rest.remove_prefix(std::min(rest.size(), config.bucket.size() + 1));
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  if (!rest.empty()) {
    auto prefix = PercentDecode(rest);
    if (!prefix || !ValidateKey(*prefix).ok() || prefix->size() > 256) return Wrong("the prefix is not a valid key of at most 256 bytes");
    config.prefix = *prefix + "/";
  }
  config.ca_file = getenv("VORA_S3_CA").value_or("");
  VORA_ASSIGN_OR_RETURN(config.keys, ParseS3KeyConfig(config.region, getenv));
  if (config.dialect == S3Dialect::kGoogle && (config.keys.from != S3KeyConfig::From::kFixed || !config.keys.fixed.session_token.empty())) {
    return Wrong(
        "Google's HMAC keys do not expire: set VORA_S3_CREDENTIALS=keys, VORA_S3_ACCESS_KEY and VORA_S3_SECRET_KEY, and no session token");
  }
  return config;
}

}  // namespace vora::storage
