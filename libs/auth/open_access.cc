#include "libs/auth/open_access.h"

#include "libs/auth/fleet_tokens.h"

namespace vora::auth {
namespace {

class OpenAccessAuthenticator : public Authenticator {
 public:
  explicit OpenAccessAuthenticator(const std::string& fleet_secret) : fleet_(fleet_secret, Clock::Real()) {}

  StatusOr<Caller> Authorize(const Credentials&, Scope) const override {
    Caller caller;
    caller.subject = "anonymous";
    caller.scopes = {Scope::kUpload, Scope::kRead, Scope::kWrite, Scope::kOperate, Scope::kFleet};
    return caller;
  }
  StatusOr<Caller> AuthorizeAny(const Credentials& credentials, std::initializer_list<Scope> any_of) const override {
    return Authorize(credentials, *any_of.begin());
  }
  std::string FleetAuthorization() const override { return fleet_.Authorization(); }
  bool enabled() const override { return false; }

 private:
  const FleetTokens fleet_;
};

}  // namespace

std::shared_ptr<Authenticator> OpenAccess(const std::string& fleet_secret) {
  return std::make_shared<OpenAccessAuthenticator>(fleet_secret);
}

}  // namespace vora::auth
