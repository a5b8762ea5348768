#include "libs/rpc/tls.h"

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <mutex>
#include <utility>

#include "libs/rpc/environment.h"
#include "libs/rpc/tls_identity.h"

namespace vora::rpc {
namespace {

struct ProcessIdentity {
  std::mutex mutex;
  std::shared_ptr<TlsIdentity> identity;
};

ProcessIdentity& TheIdentity() {
  static ProcessIdentity process;
  return process;
}

}  // namespace

std::shared_ptr<TlsIdentity> CurrentIdentity() {
  const std::lock_guard lock(TheIdentity().mutex);
  return TheIdentity().identity;
}

void TlsSettings::Declare(SettingsSchema& schema) {
  schema.Add("VORA_TLS_CERT", &certificate,
             "PEM file with this daemon's certificate chain, for gRPC between daemons; empty: no TLS. Read again when it changes");
  schema.Add("VORA_TLS_KEY", &key, "PEM file with the private key of VORA_TLS_CERT");
  schema.Add("VORA_TLS_CA", &authority, "PEM file with the authorities that the other daemons' certificates must come from");
  SettingOptions modes;
  modes.choices = {"require", "none"};
  schema.Add("VORA_TLS_CLIENT_AUTH", &client_auth, "Whether the gRPC server asks its clients for certificates (mTLS)", modes);
}

Status TlsSettings::Check() const {
  if (certificate.empty() && key.empty() && authority.empty()) return absl::OkStatus();
  for (const auto& [name, value] : {std::pair("VORA_TLS_CERT", &certificate), {"VORA_TLS_KEY", &key}, {"VORA_TLS_CA", &authority}}) {
    if (value->empty()) {
      return InvalidArgument(std::string(name) +
                             ": is missing; VORA_TLS_CERT, VORA_TLS_KEY and VORA_TLS_CA are set together or not at all");
    }
  }
  return ReadTlsFiles(*this, Clock::Real().Now()).status();
}

Status UseTls(const TlsSettings& settings) {
  PrepareGrpcEnvironment();
  VORA_RETURN_IF_ERROR(settings.Check());
  std::shared_ptr<TlsIdentity> identity;
  if (settings.enabled()) {
    VORA_ASSIGN_OR_RETURN(TlsFiles files, ReadTlsFiles(settings, Clock::Real().Now()));
    identity = std::make_shared<TlsIdentity>(settings, std::move(files));
  }
  {
    const std::lock_guard lock(TheIdentity().mutex);
    // Swapped, so that the old one, which joins a thread as it dies, does so outside the lock.
    std::swap(TheIdentity().identity, identity);
  }
  return absl::OkStatus();
}

std::shared_ptr<grpc::ServerCredentials> ServerCredentials() {
  const auto identity = CurrentIdentity();
  if (!identity) return grpc::InsecureServerCredentials();
  grpc::experimental::TlsServerCredentialsOptions options(identity->provider());
  options.watch_identity_key_cert_pairs();
  const bool require = identity->settings().client_auth == "require";
  if (require) options.watch_root_certs();
  options.set_cert_request_type(require ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                        : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> ChannelCredentials() {
  const auto identity = CurrentIdentity();
  if (!identity) return grpc::InsecureChannelCredentials();
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(identity->provider());
  options.watch_identity_key_cert_pairs();
  options.watch_root_certs();
  options.set_certificate_verifier(std::make_shared<grpc::experimental::HostNameCertificateVerifier>());
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace vora::rpc
