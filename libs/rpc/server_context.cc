#include "libs/rpc/server_context.h"

namespace vora::rpc {

obs::TraceContext TraceOf(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("traceparent");
  if (found == metadata.end()) return obs::TraceContext::NewRoot();
  return obs::ContinueTrace({found->second.data(), found->second.size()});
}

Credentials CredentialsOf(const grpc::ServerContextBase& context) {
  Credentials credentials;
  const auto& metadata = context.client_metadata();
  if (const auto found = metadata.find("authorization"); found != metadata.end()) {
    credentials.authorization.assign(found->second.data(), found->second.size());
  }
  const auto peer = context.auth_context();
  if (peer == nullptr || !peer->IsPeerAuthenticated()) return credentials;
  const auto names = peer->GetPeerIdentity();
  credentials.tls_peer = names.empty() ? std::string() : std::string(names.front().data(), names.front().size());
  return credentials;
}

}  // namespace vora::rpc
