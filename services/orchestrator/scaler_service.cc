#include "services/orchestrator/scaler_service.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "externalscaler/externalscaler.grpc.pb.h"
#include "libs/core/error.h"
#include "libs/rpc/status.h"
#include "services/orchestrator/scaler_policy.h"
#include "services/orchestrator/scaler_stream_internal.h"

namespace vora::orchestrator {
namespace {

namespace keda = externalscaler;
constexpr std::initializer_list<Scope> kWho = {Scope::kFleet, Scope::kOperate};
using Base = keda::ExternalScaler::WithCallbackMethod_StreamIsActive<keda::ExternalScaler::Service>;

StatusOr<ScalerTrigger> TriggerOf(const keda::ScaledObjectRef& object) {
  return ParseTrigger({object.scalermetadata().begin(), object.scalermetadata().end()});
}

class ScalerServiceImpl : public Base {
 public:
  ScalerServiceImpl(const ReadQueues& read, ScalerFeed& feed, rpc::Authorizer authorizer)
      : read_(read), feed_(feed), authorizer_(std::move(authorizer)) {}

  grpc::Status IsActive(grpc::ServerContext* context, const keda::ScaledObjectRef* request, keda::IsActiveResponse* response) override {
    return Answer(*context, *request, [&](const ScalerTrigger&, const QueueLoad& load) {
      response->set_result(load.activities > 0);
      return Status();
    });
  }

  grpc::ServerWriteReactor<keda::IsActiveResponse>* StreamIsActive(grpc::CallbackServerContext* context,
                                                                   const keda::ScaledObjectRef* request) override {
    if (const auto caller = authorizer_.Authorize(*context, kWho); !caller.ok()) {
      return new rpc::RefusedCall<grpc::ServerWriteReactor<keda::IsActiveResponse>>(caller.status());
    }
    return StartActiveStream(feed_, TriggerOf(*request));
  }

  grpc::Status GetMetricSpec(grpc::ServerContext* context, const keda::ScaledObjectRef* request,
                             keda::GetMetricSpecResponse* response) override {
    return authorizer_.Authorize(*context, kWho, [&](const Caller&) {
      const auto trigger = TriggerOf(*request);
      if (!trigger.ok()) return rpc::ToGrpc(trigger.status());
      auto* spec = response->add_metricspecs();
      spec->set_metricname(MetricName(trigger->queue));
      spec->set_targetsize(std::llround(std::ceil(trigger->target_encode_seconds)));
      spec->set_targetsizefloat(trigger->target_encode_seconds);
      return grpc::Status::OK;
    });
  }

  grpc::Status GetMetrics(grpc::ServerContext* context, const keda::GetMetricsRequest* request,
                          keda::GetMetricsResponse* response) override {
    return Answer(*context, request->scaledobjectref(), [&](const ScalerTrigger& trigger, const QueueLoad& load) -> Status {
      const std::string name = MetricName(trigger.queue);
      if (request->metricname() != name) return InvalidField("metricName", "queue " + trigger.queue + " has only " + name);
      auto* value = response->add_metricvalues();
      value->set_metricname(name);
      // Rounded up, so that a rest of less than a second does not count as nothing.
      value->set_metricvalue(std::llround(std::ceil(load.encode_seconds)));
      value->set_metricvaluefloat(load.encode_seconds);
      return {};
    });
  }

 private:
  // The trigger is checked before the database is asked.
  template <class Reply>
  grpc::Status Answer(const grpc::ServerContext& context, const keda::ScaledObjectRef& object, Reply reply) {
    return authorizer_.Authorize(context, kWho, [&](const Caller&) {
      const auto trigger = TriggerOf(object);
      if (!trigger.ok()) return rpc::ToGrpc(trigger.status());
      const auto queues = read_();
      if (!queues.ok()) return rpc::ToGrpc(queues.status());
      return rpc::ToGrpc(reply(*trigger, LoadOf(*queues, trigger->queue)));
    });
  }

  const ReadQueues& read_;
  ScalerFeed& feed_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

struct Scaler::Impl {
  // In the order of use: the feed reads by `read`, and the service refers to both.
  const ReadQueues read;
  ScalerFeed feed;
  ScalerServiceImpl service;
  Impl(ReadQueues r, rpc::Authorizer authorizer, std::chrono::milliseconds interval)
      : read(std::move(r)), feed(read, interval), service(read, feed, std::move(authorizer)) {}
};

Scaler::Scaler(ReadQueues read, rpc::Authorizer authorizer, std::chrono::milliseconds interval)
    : impl_(std::make_unique<Impl>(std::move(read), std::move(authorizer), interval)) {}
Scaler::~Scaler() = default;
grpc::Service* Scaler::service() { return &impl_->service; }
void Scaler::Stop() { impl_->feed.Stop(); }

}  // namespace vora::orchestrator
