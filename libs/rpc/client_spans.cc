#include "libs/rpc/client_spans.h"

#include <string>
#include <utility>

#include "libs/core/status.h"
#include "libs/obs/span.h"

namespace vora::rpc {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;

class ClientSpan : public grpc::experimental::Interceptor {
 public:
  // `parent`: of the thread that calls.
  ClientSpan(const char* method, std::string parent) {
    span_.name = *method == '/' ? method + 1 : method;
    span_.kind = obs::SpanKind::kClient;
    span_.parent_span_id = std::move(parent);
    span_.start = std::chrono::system_clock::now();
    span_.context.sampled = false;
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) Begin(*methods);
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_STATUS)) End(*methods->GetRecvStatus());
    methods->Proceed();
  }

 private:
  // Prepare has made the ids.
  void Begin(InterceptorBatchMethods& methods) {
    const auto* metadata = methods.GetSendInitialMetadata();
    if (metadata == nullptr) return;
    const auto found = metadata->find("traceparent");
    if (found == metadata->end()) return;
    if (auto context = obs::TraceContext::Parse(found->second)) span_.context = std::move(*context);
  }

  void End(const grpc::Status& status) {
    if (!obs::RecordsSpans(span_.context)) return;
    const auto code = static_cast<StatusCode>(status.error_code());
    span_.end = std::chrono::system_clock::now();
    span_.failed = !status.ok();
    if (span_.failed) span_.error = ToText(MakeStatus(code, status.error_message()));
    span_.attributes = {{"rpc.system", "grpc"}, {"rpc.grpc.status_code", std::to_string(status.error_code())}};
    obs::RecordSpan(std::move(span_));
    span_.context.sampled = false;
  }

  obs::SpanRecord span_;
};

class ClientSpanFactory : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateClientInterceptor(grpc::experimental::ClientRpcInfo* info) override {
    if (!obs::RecordsCurrentTrace()) return nullptr;  // gRPC leaves it out of this call
    return new ClientSpan(info->method(), obs::CurrentTrace().span_id);
  }
};

}  // namespace

std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> ClientSpans() {
  std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> factories;
  factories.push_back(std::make_unique<ClientSpanFactory>());
  return factories;
}

}  // namespace vora::rpc
