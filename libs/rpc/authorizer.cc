#include "libs/rpc/authorizer.h"

namespace vora::rpc {

Authorizer Authorizer::Open() {
  return Authorizer([](const Credentials&, std::initializer_list<Scope>) -> StatusOr<Caller> {
    Caller everybody;
    everybody.scopes = {Scope::kUpload, Scope::kRead, Scope::kWrite, Scope::kOperate, Scope::kFleet};
    return everybody;
  });
}

StatusOr<Caller> Authorizer::Authorize(const grpc::ServerContextBase& context, std::initializer_list<Scope> any_of) const {
  if (!decide_) return Unauthenticated("this server cannot let anybody in");
  return decide_(CredentialsOf(context), any_of);
}

}  // namespace vora::rpc
