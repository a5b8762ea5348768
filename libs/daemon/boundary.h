#pragma once

// What a daemon shows to the others and asks of them: identity, callers, traces. Settings that all daemons share.

#include <memory>
#include <string>

#include "libs/auth/authenticator.h"
#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/obs/span.h"
#include "libs/rpc/tls.h"
#include "libs/settings/settings.h"

namespace vora::daemon_internal {

struct BoundarySettings {
  auth::AuthSettings auth;
  rpc::TlsSettings tls;
  obs::OtlpSettings otlp;

  // `guarded`: the daemon has something to let callers in to; else only what its own calls need is declared.
  void Declare(SettingsSchema& schema, bool guarded);
  // INVALID_ARGUMENT lists all mistakes, a line each.
  Status Check(bool guarded) const;
};

// Lives as long as the daemon.
class Boundary {
 public:
  ~Boundary();
  // Sets the process's TLS identity and fleet credential, reads the keys, starts the exporter.
  static StatusOr<std::unique_ptr<Boundary>> Open(const BoundarySettings& settings, bool guarded, const std::string& service,
                                                  obs::Metrics& metrics);
  const std::shared_ptr<auth::Authenticator>& authenticator() const { return authenticator_; }

 private:
  std::shared_ptr<auth::Authenticator> authenticator_;
  std::unique_ptr<obs::SpanExporter> exporter_;
};

}  // namespace vora::daemon_internal
