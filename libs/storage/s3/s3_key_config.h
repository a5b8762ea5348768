#pragma once

#include <functional>
#include <optional>
#include <string>

#include "libs/storage/s3/s3_keys.h"

namespace vora::storage {

// VORA_S3_CREDENTIALS names the source: keys, web-identity, container or instance. Without it, or with `auto`, it is the first for which
// variables are set, in this order: VORA_S3_ACCESS_KEY and VORA_S3_SECRET_KEY, with VORA_S3_SESSION_TOKEN (else AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN); VORA_S3_ROLE_ARN with VORA_S3_IDENTITY_TOKEN_FILE (else AWS_ROLE_ARN,
// AWS_WEB_IDENTITY_TOKEN_FILE); AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI. An instance has to be named: no variable tells of it.
// INVALID_ARGUMENT names the variable that is missing or wrong, never what is in it. `region` is that of the store.
StatusOr<S3KeyConfig> ParseS3KeyConfig(const std::string& region,
                                       const std::function<std::optional<std::string>(const std::string&)>& getenv);

}  // namespace vora::storage
