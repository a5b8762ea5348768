#include "libs/storage/s3/s3_key_config.h"

#include <absl/strings/ascii.h>

#include "libs/curl/url.h"

namespace vora::storage {
namespace {

constexpr char kContainerHost[] = "http://169.254.170.2";
constexpr char kInstanceEndpoint[] = "http://169.254.169.254";

class KeyVariables {
 public:
  using Getenv = std::function<std::optional<std::string>(const std::string&)>;
  explicit KeyVariables(const Getenv& getenv) : getenv_(getenv) {}

  // "" when unset.
  std::string Get(const char* ours, const char* theirs = nullptr) const {
    auto value = getenv_(ours);
    if ((!value || value->empty()) && theirs != nullptr) value = getenv_(theirs);
    return value.value_or("");
  }

 private:
  const Getenv& getenv_;
};

Status WrongKeys(std::string_view what) { return InvalidArgument("object store s3://: " + std::string(what)); }

StatusOr<S3KeyConfig> FixedKeys(const KeyVariables& variables, S3KeyConfig config) {
  S3Keys& keys = config.fixed;
  // All of one kind: a token belongs to its key.
  const bool ours = !variables.Get("VORA_S3_ACCESS_KEY").empty() || !variables.Get("VORA_S3_SECRET_KEY").empty();
  keys.access_key = variables.Get(ours ? "VORA_S3_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
  keys.secret_key = variables.Get(ours ? "VORA_S3_SECRET_KEY" : "AWS_SECRET_ACCESS_KEY");
  keys.session_token = variables.Get(ours ? "VORA_S3_SESSION_TOKEN" : "AWS_SESSION_TOKEN");
  if (keys.access_key.empty() || keys.secret_key.empty()) {
    return WrongKeys(
        "credentials are missing: set VORA_S3_ACCESS_KEY and VORA_S3_SECRET_KEY, or VORA_S3_CREDENTIALS to web-identity, "
        "container or instance");
  }
  return config;
}

StatusOr<S3KeyConfig> WebIdentity(const KeyVariables& variables, const std::string& region, S3KeyConfig config) {
  config.from = S3KeyConfig::From::kWebIdentity;
  config.role_arn = variables.Get("VORA_S3_ROLE_ARN", "AWS_ROLE_ARN");
  config.identity_token_file = variables.Get("VORA_S3_IDENTITY_TOKEN_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE");
  config.role_session_name = variables.Get("AWS_ROLE_SESSION_NAME");
  if (config.role_session_name.empty()) config.role_session_name = "vora";
  config.sts_endpoint = variables.Get("VORA_S3_STS_ENDPOINT", "AWS_ENDPOINT_URL_STS");
  if (config.sts_endpoint.empty()) config.sts_endpoint = "https://sts." + region + ".amazonaws.com";
  if (config.role_arn.empty()) return WrongKeys("VORA_S3_ROLE_ARN (or AWS_ROLE_ARN) must be set for web-identity");
  if (config.identity_token_file.empty()) {
    return WrongKeys("VORA_S3_IDENTITY_TOKEN_FILE (or AWS_WEB_IDENTITY_TOKEN_FILE) must be set for web-identity");
  }
  VORA_RETURN_IF_ERROR(curl::CheckServerUrl("VORA_S3_STS_ENDPOINT", config.sts_endpoint));
  return config;
}

// The token goes there: over plain http only to this machine and to the addresses that AWS gives out (ECS; EKS, in both families).
bool MayGetContainerToken(const curl::HttpUrl& url) {
  return url.https || url.local || url.host == "169.254.170.2" || url.host == "169.254.170.23" || url.host == "[fd00:ec2::23]";
}

StatusOr<S3KeyConfig> Container(const KeyVariables& variables, S3KeyConfig config) {
  config.from = S3KeyConfig::From::kContainer;
  const std::string relative = variables.Get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  config.container_url = relative.empty() ? variables.Get("AWS_CONTAINER_CREDENTIALS_FULL_URI") : kContainerHost + relative;
  config.container_token = variables.Get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  config.container_token_file = variables.Get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (config.container_url.empty()) {
    return WrongKeys("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI must be set for container");
  }
  if (!relative.empty() && relative.front() != '/') return WrongKeys("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with /");
  const auto url = curl::ParseHttpUrl(config.container_url);
  if (!url || url->has_user || url->has_fragment) return WrongKeys("AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL of http or https");
  if (!MayGetContainerToken(*url)) {
    return WrongKeys(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or of this machine, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]");
  }
  return config;
}

StatusOr<S3KeyConfig> Instance(const KeyVariables& variables, S3KeyConfig config) {
  config.from = S3KeyConfig::From::kInstance;
  config.instance_endpoint = variables.Get("VORA_S3_INSTANCE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (config.instance_endpoint.empty()) config.instance_endpoint = kInstanceEndpoint;
  if (config.instance_endpoint.back() == '/') config.instance_endpoint.pop_back();
  VORA_RETURN_IF_ERROR(curl::CheckServerUrl("VORA_S3_INSTANCE_ENDPOINT", config.instance_endpoint));
  return config;
}

}  // namespace

StatusOr<S3KeyConfig> ParseS3KeyConfig(const std::string& region,
                                       const std::function<std::optional<std::string>(const std::string&)>& getenv) {
  const KeyVariables variables(getenv);
  S3KeyConfig config;
  config.ca_file = variables.Get("VORA_S3_CA");
  std::string chosen = absl::AsciiStrToLower(variables.Get("VORA_S3_CREDENTIALS"));
  if (chosen.empty() || chosen == "auto") {
    const auto set = [&](const char* ours, const char* theirs) { return !variables.Get(ours, theirs).empty(); };
    const bool keys = set("VORA_S3_ACCESS_KEY", "AWS_ACCESS_KEY_ID") || set("VORA_S3_SECRET_KEY", "AWS_SECRET_ACCESS_KEY");
    const bool role = set("VORA_S3_ROLE_ARN", "AWS_ROLE_ARN") && set("VORA_S3_IDENTITY_TOKEN_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE");
    const bool container = set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    chosen = "keys";  // whose error names everything that could be set
    if (!keys && container) chosen = "container";
    if (!keys && role) chosen = "web-identity";
  }
  if (chosen == "keys") return FixedKeys(variables, std::move(config));
  if (chosen == "web-identity") return WebIdentity(variables, region, std::move(config));
  if (chosen == "container") return Container(variables, std::move(config));
  if (chosen == "instance") return Instance(variables, std::move(config));
  return WrongKeys("VORA_S3_CREDENTIALS must be auto, keys, web-identity, container or instance");
}

}  // namespace vora::storage
