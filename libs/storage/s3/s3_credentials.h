#pragma once

// The S3 keys, and whom to believe over https, as settings, so that --help names them and --print-config shows whether they are set.
// OpenObjectStore reads the same variables.

#include <string>

#include "libs/settings/settings.h"

namespace vora::storage {

struct S3Credentials {
  std::string access_key, secret_key, ca_file;

  void Declare(SettingsSchema& schema) {
    schema.Add("VORA_S3_ACCESS_KEY", &access_key, "Access key of an s3:// store (else AWS_ACCESS_KEY_ID)");
    schema.Add("VORA_S3_SECRET_KEY", &secret_key, "Secret key of an s3:// store (else AWS_SECRET_ACCESS_KEY)", {.secret = true});
    schema.Add("VORA_S3_CA", &ca_file,
               "PEM file of the authorities that the certificate of an https s3:// store must come from; empty: the system's");
  }
};

}  // namespace vora::storage
