#pragma once

// Who calls, and what they may do. Made by libs/auth from what a request presents; carried by HTTP requests and gRPC handlers.

#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace vora {

// What a route or method asks for. `operate` is for operators (fleet, histories, webhooks, erasure), `fleet` for daemons among
// themselves. No scope implies another.
enum class Scope { kUpload, kRead, kWrite, kOperate, kFleet };

std::string_view ScopeName(Scope scope);
std::optional<Scope> ParseScope(std::string_view name);

// What a request shows of itself, before anything is believed.
struct Credentials {
  std::string authorization;  // the header or metadata value as sent, e.g. "Bearer eyJ..."; empty: none
  // The name in the certificate of a peer that TLS has verified against VORA_TLS_CA; nullopt: no such peer.
  std::optional<std::string> tls_peer;
};

// Whose everything is where nobody signs in.
inline constexpr char kDefaultTenant[] = "default";

// A caller that was let in.
struct Caller {
  std::string subject;
  std::string tenant = kDefaultTenant;
  std::set<Scope> scopes;
  bool Has(Scope scope) const { return scopes.count(scope) != 0; }
};

}  // namespace vora
