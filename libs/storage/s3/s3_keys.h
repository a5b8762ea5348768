#pragma once

// The keys that requests to an S3 store are signed with, and where they come from: fixed ones, or temporary ones that somebody hands out.

#include <memory>
#include <optional>
#include <string>

#include "libs/core/clock.h"
#include "libs/core/status.h"

namespace vora::storage {

struct S3Keys {
  std::string access_key;
  std::string secret_key;
  std::string session_token;             // of temporary keys
  std::optional<SystemTime> expires_at;  // nullopt: never
};

// Asks once, within a few seconds. Called by one thread at a time.
class S3KeySource {
 public:
  virtual ~S3KeySource() = default;
  // UNAVAILABLE with the reason `store_credentials` whatever the fault is: a token that has expired is replaced, a role is attached again.
  virtual StatusOr<S3Keys> Fetch() = 0;
};

// Where keys come from; see ParseS3KeyConfig.
struct S3KeyConfig {
  enum class From { kFixed, kWebIdentity, kContainer, kInstance };
  From from = From::kFixed;
  S3Keys fixed;
  // kWebIdentity: AssumeRoleWithWebIdentity (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html) with
  // the token that lies in a file at that moment.
  std::string role_arn, role_session_name, identity_token_file, sts_endpoint;
  // kContainer: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html. The token is sent as Authorization.
  std::string container_url, container_token, container_token_file;
  // kInstance: IMDSv2 (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html).
  std::string instance_endpoint;
  std::string ca_file;  // PEM file of the authorities that https is checked against; empty: the system's
};

std::unique_ptr<S3KeySource> MakeS3KeySource(const S3KeyConfig& config);

}  // namespace vora::storage
