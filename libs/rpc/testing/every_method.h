#pragma once

// For the test of who may call a daemon: calls every method of a service, as its descriptor has them.

#include <chrono>
#include <map>
#include <string>

#include <google/protobuf/descriptor.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/support/byte_buffer.h>

namespace vora::rpc::testing {

// How each method answers an empty message without credentials (or with `authorization`), by its name. Streaming methods too: who is
// refused gets no message. Empty when there is no such service.
inline std::map<std::string, grpc::StatusCode> CallEveryMethod(const std::shared_ptr<grpc::Channel>& channel, const std::string& service,
                                                               const std::string& authorization = "") {
  std::map<std::string, grpc::StatusCode> answers;
  const auto* described = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
  for (int i = 0; described != nullptr && i < described->method_count(); ++i) {
    const std::string path = "/" + service + "/" + described->method(i)->name();
    const grpc::internal::RpcMethod method(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    const grpc::Slice nothing("", 0);
    const grpc::ByteBuffer request(&nothing, 1);
    grpc::ByteBuffer response;
    answers[described->method(i)->name()] =
        grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>(channel.get(), method, &context, request, &response)
            .error_code();
  }
  return answers;
}

}  // namespace vora::rpc::testing
