#pragma once

// What hands out temporary keys answers. Pure. INTERNAL names what is wrong in a document; no secret of it is in the message.

#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/storage/s3/s3_keys.h"

namespace vora::storage {

// JSON of ECS, EKS and IMDS: AccessKeyId, SecretAccessKey, Token, Expiration. IMDS says in `Code` that it has none.
StatusOr<S3Keys> ParseKeyDocument(std::string_view json);
// <AssumeRoleWithWebIdentityResponse> of STS.
StatusOr<S3Keys> ParseAssumedRole(std::string_view xml);
// The same, of the parts that every form has. `expiration` is RFC 3339.
StatusOr<S3Keys> ParseTemporaryKeys(std::string access_key, std::string secret_key, std::string token, std::string_view expiration);
// The name of the role in the list that IMDS answers; "" when it is no name.
std::string ParseRoleName(std::string_view text);

}  // namespace vora::storage
