#include "libs/daemon/boundary.h"

#include "libs/auth/open_access.h"
#include "libs/core/error.h"
#include "libs/rpc/client.h"

namespace vora::daemon_internal {

void BoundarySettings::Declare(SettingsSchema& schema, bool guarded) {
  if (guarded) {
    auth.Declare(schema);
  } else {
    auth.DeclareFleet(schema);
  }
  tls.Declare(schema);
  otlp.Declare(schema);
}

Status BoundarySettings::Check(bool guarded) const {
  std::string mistakes;
  const auto report = [&mistakes](const Status& status) {
    if (!status.ok()) mistakes.append(mistakes.empty() ? "" : "\n").append(Message(status));
  };
  auth::AuthSettings asked = auth;
  if (!guarded) asked.mode = "none";
  report(asked.Check());
  const bool peers_known = tls.enabled() && tls.client_auth == "require";
  if (asked.mode == "jwt" && asked.fleet_secret.empty() && !peers_known) {
    report(InvalidField("VORA_FLEET_SECRET",
                        "must be set, the same for all daemons (or VORA_TLS_CERT, VORA_TLS_KEY and VORA_TLS_CA with "
                        "VORA_TLS_CLIENT_AUTH=require): by it daemons let each other in"));
  }
  report(tls.Check());
  report(otlp.Check());
  return mistakes.empty() ? absl::OkStatus() : InvalidArgument(mistakes);
}

Boundary::~Boundary() { rpc::SetFleetCredential(nullptr); }

StatusOr<std::unique_ptr<Boundary>> Boundary::Open(const BoundarySettings& settings, bool guarded, const std::string& service,
                                                   obs::Metrics& metrics) {
  auto boundary = std::make_unique<Boundary>();
  boundary->exporter_ = std::make_unique<obs::SpanExporter>(settings.otlp, service, metrics);
  // Before any part of the daemon: channels keep the credentials that they were made with.
  VORA_RETURN_IF_ERROR(rpc::UseTls(settings.tls));
  if (guarded) {
    VORA_ASSIGN_OR_RETURN(boundary->authenticator_, auth::Authenticator::Open(settings.auth, metrics));
  } else {
    boundary->authenticator_ = auth::OpenAccess(settings.auth.fleet_secret);
  }
  rpc::SetFleetCredential([authenticator = boundary->authenticator_] { return authenticator->FleetAuthorization(); });
  return boundary;
}

}  // namespace vora::daemon_internal
