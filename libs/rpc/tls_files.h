#pragma once

// The PEM files of TlsSettings, read and checked against each other.

#include <string>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/rpc/tls.h"

namespace vora::rpc {

struct TlsFiles {
  std::string certificate, key, authority;  // PEM
  SystemTime expiry;                        // of the certificate itself
};

// INVALID_ARGUMENT names the setting, the file and what is wrong: it cannot be read, is not PEM, the key is another certificate's, or the
// certificate has expired at `now`.
StatusOr<TlsFiles> ReadTlsFiles(const TlsSettings& settings, SystemTime now);

}  // namespace vora::rpc
