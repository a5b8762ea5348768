#include "libs/daemon/authorization.h"

#include "libs/auth/open_access.h"

namespace vora {

Authorization::Authorization(std::shared_ptr<const auth::Authenticator> authenticator)
    : rpc([authenticator](const Credentials& credentials, std::initializer_list<Scope> any_of) {
        return authenticator->AuthorizeAny(credentials, any_of);
      }),
      http([authenticator](const Credentials& credentials, Scope scope) { return authenticator->Authorize(credentials, scope); }),
      enabled(authenticator->enabled()) {}

Authorization Authorization::Open() { return Authorization(auth::OpenAccess("")); }

}  // namespace vora
