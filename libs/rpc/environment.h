#pragma once

namespace vora::rpc {

// Settings of gRPC that it takes from the process's environment only; call before the first use of gRPC. Cheap to repeat.
void PrepareGrpcEnvironment();

}  // namespace vora::rpc
