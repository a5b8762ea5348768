#include "libs/rpc/tls.h"

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <mutex>

namespace vora::rpc {
namespace {

constexpr unsigned kRefreshSeconds = 1;

struct Identity {
  TlsSettings settings;
  std::shared_ptr<grpc::experimental::FileWatcherCertificateProvider> files;
};

std::mutex mutex;
std::shared_ptr<const Identity> current;

std::shared_ptr<const Identity> Current() {
  const std::lock_guard lock(mutex);
  return current;
}

void Watch(grpc::experimental::TlsCredentialsOptions& options, bool authority) {
  options.watch_identity_key_cert_pairs();
  if (authority) options.watch_root_certs();
}

}  // namespace

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
  if (certificate.empty()) return InvalidArgument("VORA_TLS_CERT is missing: VORA_TLS_CERT, VORA_TLS_KEY and VORA_TLS_CA go together");
  if (key.empty()) return InvalidArgument("VORA_TLS_KEY is missing: VORA_TLS_CERT, VORA_TLS_KEY and VORA_TLS_CA go together");
  if (authority.empty()) return InvalidArgument("VORA_TLS_CA is missing: VORA_TLS_CERT, VORA_TLS_KEY and VORA_TLS_CA go together");
  return absl::OkStatus();
}

Status UseTls(const TlsSettings& settings) {
  VORA_RETURN_IF_ERROR(settings.Check());
  std::shared_ptr<const Identity> identity;
  if (settings.enabled()) {
    identity =
        std::make_shared<const Identity>(Identity{settings, std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
                                                                settings.key, settings.certificate, settings.authority, kRefreshSeconds)});
  }
  const std::lock_guard lock(mutex);
  current = std::move(identity);
  return absl::OkStatus();
}

std::shared_ptr<grpc::ServerCredentials> ServerCredentials() {
  const auto identity = Current();
  if (!identity) return grpc::InsecureServerCredentials();
  grpc::experimental::TlsServerCredentialsOptions options(identity->files);
  const bool require = identity->settings.client_auth == "require";
  Watch(options, require);
  options.set_cert_request_type(require ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                        : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> ChannelCredentials() {
  const auto identity = Current();
  if (!identity) return grpc::InsecureChannelCredentials();
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(identity->files);
  Watch(options, true);
  options.set_certificate_verifier(std::make_shared<grpc::experimental::HostNameCertificateVerifier>());
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace vora::rpc
