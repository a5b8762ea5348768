#include "libs/rpc/gate.h"

namespace vora::rpc {

Gate Gate::Open() {
  return Gate([](const Credentials&, std::initializer_list<Scope>) -> StatusOr<Caller> {
    Caller everybody;
    everybody.scopes = {Scope::kUpload, Scope::kRead, Scope::kWrite, Scope::kOperate, Scope::kFleet};
    return everybody;
  });
}

StatusOr<Caller> Gate::Admit(const grpc::ServerContextBase& context, std::initializer_list<Scope> any_of) const {
  if (!admission_) return Unauthenticated("this server cannot let anybody in");
  return admission_(CredentialsOf(context), any_of);
}

}  // namespace vora::rpc
