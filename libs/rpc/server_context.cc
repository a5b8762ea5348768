#include "libs/rpc/server_context.h"

namespace vora::rpc {

obs::TraceContext TraceOf(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("traceparent");
  if (found == metadata.end()) return obs::TraceContext::NewRoot();
  return obs::ContinueTrace({found->second.data(), found->second.size()});
}

}  // namespace vora::rpc
