#pragma once

// The S3 keys, and whom to believe over https, as settings, so that --help names them and --print-config shows whether they are set.
// OpenObjectStore reads the same variables; see ParseS3KeyConfig.

#include <string>
#include <string_view>

#include "libs/settings/settings.h"

namespace vora::storage {

struct S3Credentials {
  std::string source = "auto", access_key, secret_key, session_token, role_arn, identity_token_file, sts_endpoint, instance_endpoint,
              ca_file;

  void Declare(SettingsSchema& schema) {
    schema.Add(
        "VORA_S3_CREDENTIALS", &source,
        "Where the keys of an s3:// store come from: keys (the variables below), web-identity (a role, by a token in a file), container "
        "(ECS, EKS Pod Identity) or instance (the role of an EC2 instance, by IMDSv2); auto: the first of the former three whose "
        "variables are set",
        {.choices = {"auto", "keys", "web-identity", "container", "instance"}});
    schema.Add("VORA_S3_ACCESS_KEY", &access_key, "Access key of an s3:// store (else AWS_ACCESS_KEY_ID)");
    schema.Add("VORA_S3_SECRET_KEY", &secret_key, "Secret key of an s3:// store (else AWS_SECRET_ACCESS_KEY)", {.secret = true});
    schema.Add("VORA_S3_SESSION_TOKEN", &session_token, "Session token of temporary keys, which nobody renews (else AWS_SESSION_TOKEN)",
               {.secret = true});
    schema.Add("VORA_S3_ROLE_ARN", &role_arn, "web-identity: the role that is taken (else AWS_ROLE_ARN)");
    schema.Add("VORA_S3_IDENTITY_TOKEN_FILE", &identity_token_file,
               "web-identity: file of the token, read anew each time (else AWS_WEB_IDENTITY_TOKEN_FILE)");
    schema.Add("VORA_S3_STS_ENDPOINT", &sts_endpoint,
               "web-identity: URL of the STS (else AWS_ENDPOINT_URL_STS, else that of AWS in the store's region)");
    schema.Add("VORA_S3_INSTANCE_ENDPOINT", &instance_endpoint,
               "instance: URL of its metadata (else AWS_EC2_METADATA_SERVICE_ENDPOINT, else http://169.254.169.254)");
    schema.Add("VORA_S3_CA", &ca_file,
               "PEM file of the authorities that the certificate of an https s3:// store must come from; empty: the system's");
  }
};

// The keys of one root (libs/storage/roots.h), in place of the ones above.
struct S3RootCredentials {
  std::string source, access_key, secret_key, session_token, role_arn;

  bool none() const { return source.empty() && access_key.empty() && secret_key.empty() && session_token.empty() && role_arn.empty(); }
  // `root`: RAW or PROCESSED.
  void Declare(SettingsSchema& schema, std::string_view root) {
    const std::string prefix = "VORA_S3_" + std::string(root) + "_";
    const std::string alone = "; with one of these five, no other keys are used for it";
    schema.Add(prefix + "CREDENTIALS", &source, "As VORA_S3_CREDENTIALS, for this root alone" + alone,
               {.choices = {"auto", "keys", "web-identity", "container", "instance"}});
    schema.Add(prefix + "ACCESS_KEY", &access_key, "Access key of this root");
    schema.Add(prefix + "SECRET_KEY", &secret_key, "Secret key of this root", {.secret = true});
    schema.Add(prefix + "SESSION_TOKEN", &session_token, "Session token of this root's keys", {.secret = true});
    schema.Add(prefix + "ROLE_ARN", &role_arn, "web-identity: the role that is taken for this root");
  }
};

}  // namespace vora::storage
