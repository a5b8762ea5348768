#include "libs/daemon/doors.h"

#include "libs/auth/open_access.h"

namespace vora {

Doors::Doors(std::shared_ptr<const auth::Authenticator> authenticator)
    : gate([authenticator](const Credentials& credentials, std::initializer_list<Scope> any_of) {
        return authenticator->AdmitAny(credentials, any_of);
      }),
      admission([authenticator](const Credentials& credentials, Scope scope) { return authenticator->Admit(credentials, scope); }),
      guarded(authenticator->enabled()) {}

Doors Doors::Open() { return Doors(auth::OpenAccess("")); }

}  // namespace vora
