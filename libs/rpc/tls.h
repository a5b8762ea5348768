#pragma once

// TLS between daemons: one identity for the process, used by every gRPC server and channel made after it was set.

#include <memory>
#include <string>

#include "libs/core/status.h"
#include "libs/settings/settings.h"

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace vora::rpc {

struct TlsSettings {
  std::string certificate;              // VORA_TLS_CERT: PEM file with the chain; empty: no TLS
  std::string key;                      // VORA_TLS_KEY: PEM file
  std::string authority;                // VORA_TLS_CA: PEM file that peers' certificates must chain to
  std::string client_auth = "require";  // VORA_TLS_CLIENT_AUTH: require (mTLS) or none

  void Declare(SettingsSchema& schema);
  // INVALID_ARGUMENT names each setting that is missing or whose file cannot be read or does not fit the others.
  Status Check() const;
  bool enabled() const { return !certificate.empty(); }
};

// For the whole process, before the first server or channel; a rotated file is read again within seconds. Not set: no TLS.
Status UseTls(const TlsSettings& settings);

// What Server and Connect use; insecure ones when TLS is not set.
std::shared_ptr<grpc::ServerCredentials> ServerCredentials();
std::shared_ptr<grpc::ChannelCredentials> ChannelCredentials();

}  // namespace vora::rpc
