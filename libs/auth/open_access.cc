#include "libs/auth/open_access.h"

namespace vora::auth {
namespace {

class OpenAccessAuthenticator : public Authenticator {
 public:
  StatusOr<Caller> Admit(const Credentials&, Scope) const override {
    Caller caller;
    caller.subject = "anonymous";
    caller.scopes = {Scope::kUpload, Scope::kRead, Scope::kWrite, Scope::kOperate, Scope::kFleet};
    return caller;
  }
  std::string FleetAuthorization() const override { return ""; }
  bool enabled() const override { return false; }
};

}  // namespace

std::shared_ptr<Authenticator> OpenAccess(const std::string&) { return std::make_shared<OpenAccessAuthenticator>(); }

}  // namespace vora::auth
