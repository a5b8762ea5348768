#include "libs/storage/s3/s3_config.h"

#include <algorithm>
#include <string_view>

#include "libs/core/encoding.h"
#include "libs/storage/base/key.h"

namespace vora::storage {
namespace {

Status Wrong(std::string_view what) { return InvalidArgument("object store s3://: " + std::string(what)); }

bool IsBucketName(std::string_view name) {
  auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; };
  return name.size() >= 3 && name.size() <= 63 && std::all_of(name.begin(), name.end(), allowed) && name.find("..") == name.npos;
}

bool IsAuthority(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._:[]").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

Status ParseEndpoint(std::string_view text, S3Config& config) {
  size_t scheme = text.find("://");
  std::string_view name = text.substr(0, scheme);
  if (scheme == text.npos || (name != "http" && name != "https")) return Wrong("endpoint must begin with http:// or https://");
  config.https = name == "https";
  std::string_view authority = text.substr(scheme + 3);
  if (!authority.empty() && authority.back() == '/') authority.remove_suffix(1);
  if (!IsAuthority(authority)) return Wrong("endpoint must be scheme://host[:port] without a path or a user");
  // curl leaves the scheme's own port out of the Host header, which is signed.
  std::string_view port = config.https ? ":443" : ":80";
  if (authority.size() > port.size() && authority.substr(authority.size() - port.size()) == port) authority.remove_suffix(port.size());
  config.authority = authority;
  return absl::OkStatus();
}

Status ParseQuery(std::string_view query, S3Config& config) {
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
    } else {
      return Wrong("unknown parameter '" + std::string(name) + "' (endpoint and region are known)");
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
  if (size_t mark = rest.find('?'); mark != rest.npos) {
    VORA_RETURN_IF_ERROR(ParseQuery(rest.substr(mark + 1), config));
    rest = rest.substr(0, mark);
  }
  if (config.authority.empty()) config.authority = "s3." + config.region + ".amazonaws.com";
  if (!IsAuthority(config.region) || config.region.size() > 64) return Wrong("region is not a valid name");
  config.bucket = rest.substr(0, rest.find('/'));
  if (!IsBucketName(config.bucket)) return Wrong("'" + config.bucket + "' is not a bucket name (3 to 63 of a-z 0-9 . - _)");
  rest.remove_prefix(std::min(rest.size(), config.bucket.size() + 1));
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  if (!rest.empty()) {
    auto prefix = PercentDecode(rest);
    if (!prefix || !ValidateKey(*prefix).ok() || prefix->size() > 256) return Wrong("the prefix is not a valid key of at most 256 bytes");
    config.prefix = *prefix + "/";
  }
  auto first_of = [&](const char* ours, const char* theirs) {
    auto value = getenv(ours);
    if (!value || value->empty()) value = getenv(theirs);
    return value.value_or("");
  };
  config.access_key = first_of("VORA_S3_ACCESS_KEY", "AWS_ACCESS_KEY_ID");
  config.secret_key = first_of("VORA_S3_SECRET_KEY", "AWS_SECRET_ACCESS_KEY");
  config.ca_file = getenv("VORA_S3_CA").value_or("");
  if (config.access_key.empty() || config.secret_key.empty()) {
    return Wrong("credentials are missing: set VORA_S3_ACCESS_KEY and VORA_S3_SECRET_KEY");
  }
  return config;
}

}  // namespace vora::storage
