#pragma once

namespace vora::rpc {

// Settings of gRPC, and of what it is built on, that hold for the whole process; call before the first use of gRPC. Cheap to repeat.
void PrepareGrpcEnvironment();

}  // namespace vora::rpc
