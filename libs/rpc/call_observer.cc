#include "libs/rpc/call_observer.h"

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "libs/core/status.h"
#include "libs/log/log.h"
#include "libs/obs/span.h"
#include "libs/rpc/metrics.h"

namespace vora::rpc {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;

// The metrics of one method, looked up once per method instead of once per call.
class MethodMetrics {
 public:
  MethodMetrics(obs::Metrics& metrics, std::string method)
      : metrics_(metrics), method_(std::move(method)), duration_(kDuration.In(metrics, {method_})) {}

  const std::string& method() const { return method_; }
  void Record(const std::string& code, double seconds) {
    kRequests.In(metrics_, {method_, code}).Increment();
    duration_.Observe(seconds);
  }

 private:
  obs::Metrics& metrics_;
  std::string method_;
  obs::Histogram& duration_;
};

bool IsServerFault(StatusCode code) {
  return code == StatusCode::kInternal || code == StatusCode::kUnknown || code == StatusCode::kDataLoss;
}

class CallObserver : public grpc::experimental::Interceptor {
 public:
  CallObserver(MethodMetrics& metrics, CallsInFlight& calls) : metrics_(metrics), calls_(calls) { calls_.Enter(); }
  ~CallObserver() override { calls_.Leave(); }
  CallObserver(const CallObserver&) = delete;
  CallObserver& operator=(const CallObserver&) = delete;

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) Begin(*methods);
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) End(*methods);
    methods->Proceed();
  }

 private:
  // gRPC goes on to the handler on this thread, and a sync handler ends on it too.
  void Begin(InterceptorBatchMethods& methods) {
    std::string_view parent;
    if (const auto* metadata = methods.GetRecvInitialMetadata(); metadata != nullptr) {
      if (const auto found = metadata->find("traceparent"); found != metadata->end()) parent = {found->second.data(), found->second.size()};
    }
    trace_ = obs::ContinueTrace(parent);
    parent_span_id_ = obs::SpanIdOf(parent);
    // Probes come without a trace, and are not worth one.
    if (parent_span_id_.empty() && metrics_.method().starts_with("grpc.")) trace_.sampled = false;
    obs::SetCurrentTrace(trace_);
  }

  void End(InterceptorBatchMethods& methods) {
    const grpc::Status status = methods.GetSendStatus();
    const auto code = static_cast<StatusCode>(status.error_code());
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    const std::string name = absl::StatusCodeToString(code);
    metrics_.Record(name, seconds);
    // A callback handler may end on a thread that works for another call by now: its trace must stay.
    const bool on_handler_thread = log::ThreadTrace().span_id == trace_.span_id;
    {
      const obs::TraceScope scope(trace_);
      if (IsServerFault(code)) {
        log::Warn("rpc failed",
                  {{"method", metrics_.method()}, {"code", name}, {"error", status.error_message()}, {"duration_ms", seconds * 1000}});
      } else {
        log::Debug("rpc", {{"method", metrics_.method()}, {"code", name}, {"duration_ms", seconds * 1000}});
      }
    }
    if (obs::RecordsSpans(trace_)) RecordSpan(code, status.error_message());
    if (on_handler_thread) obs::SetCurrentTrace(std::nullopt);
  }

  void RecordSpan(StatusCode code, const std::string& message) const {
    obs::SpanRecord span;
    span.name = metrics_.method();
    span.kind = obs::SpanKind::kServer;
    span.context = trace_;
    span.parent_span_id = parent_span_id_;
    span.start = started_at_;
    span.end = std::chrono::system_clock::now();
    span.failed = IsServerFault(code);
    if (span.failed) span.error = ToText(MakeStatus(code, message));
    span.attributes = {{"rpc.system", "grpc"}, {"rpc.grpc.status_code", std::to_string(static_cast<int>(code))}};
    obs::RecordSpan(std::move(span));
  }

  MethodMetrics& metrics_;
  CallsInFlight& calls_;
  obs::TraceContext trace_;
  std::string parent_span_id_;
  const SystemTime started_at_ = std::chrono::system_clock::now();
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

class CallObserverFactory : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  CallObserverFactory(obs::Metrics& metrics, CallsInFlight& calls) : metrics_(metrics), calls_(calls) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override {
    std::string method = info->method();
    if (method.starts_with('/')) method.erase(0, 1);
    const std::lock_guard lock(mutex_);
    // Only registered methods get here, so the map is bounded; std::map keeps the entries where they are, which observers refer to.
    auto found = methods_.find(method);
    if (found == methods_.end()) found = methods_.try_emplace(method, metrics_, method).first;
    return new CallObserver(found->second, calls_);
  }

 private:
  obs::Metrics& metrics_;
  CallsInFlight& calls_;
  std::mutex mutex_;
  std::map<std::string, MethodMetrics> methods_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallObserver(obs::Metrics& metrics, CallsInFlight& calls) {
  return std::make_unique<CallObserverFactory>(metrics, calls);
}

}  // namespace vora::rpc
