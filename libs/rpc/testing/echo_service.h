#pragma once

// A unary service for tests of the server itself: /vora.test.Echo/Say, whose request and response are health messages, the only
// ones this library has. Each call runs `handler`.

#include <grpc/health/v1/health.pb.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/method_handler.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/server_context.h>

#include <functional>
#include <string>
#include <utility>

namespace vora::rpc::testing {

constexpr char kSayMethod[] = "/vora.test.Echo/Say";

class EchoService : public grpc::Service {
 public:
  using Text = grpc::health::v1::HealthCheckRequest;
  using Handler = std::function<grpc::Status(grpc::ServerContext&, const std::string& said)>;

  explicit EchoService(Handler handler) : handler_(std::move(handler)) {
    using MethodHandler =
        grpc::internal::RpcMethodHandler<EchoService, Text, Text, google::protobuf::MessageLite, google::protobuf::MessageLite>;
    AddMethod(
        new grpc::internal::RpcServiceMethod(kSayMethod, grpc::internal::RpcMethod::NORMAL_RPC,
                                             new MethodHandler(
                                                 [](EchoService* service, grpc::ServerContext* context, const Text* said, Text* answer) {
                                                   answer->set_service(said->service());
                                                   return service->handler_(*context, said->service());
                                                 },
                                                 this)));
  }

  static grpc::Status Say(grpc::Channel& channel, grpc::ClientContext& context, const std::string& what) {
    Text said;
    said.set_service(what);
    Text answer;
    const grpc::internal::RpcMethod method(kSayMethod, nullptr, grpc::internal::RpcMethod::NORMAL_RPC);
    return grpc::internal::BlockingUnaryCall<Text, Text, google::protobuf::MessageLite, google::protobuf::MessageLite>(
        &channel, method, &context, said, &answer);
  }

 private:
  Handler handler_;
};

}  // namespace vora::rpc::testing
