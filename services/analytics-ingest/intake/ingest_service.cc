#include "services/analytics-ingest/intake/ingest_service.h"

#include <algorithm>
#include <atomic>

#include "libs/core/error.h"
#include "libs/rpc/status.h"
#include "services/analytics-ingest/formats/proto_events.h"
#include "vora/analytics/v1/analytics.grpc.pb.h"

namespace vora::analytics {
namespace {

constexpr int kMaxEvents = 5000;      // of one message
constexpr int kMaxDeliveries = 1000;  // of one call
constexpr std::chrono::milliseconds kMaxErase{60'000};
constexpr int kErasuresAtOnce = 4;  // each may hold a thread for minutes, also after its caller has given up

template <typename Response>
void AddRejections(const Batch& batch, int64_t offset, Response& response) {
  for (const Rejection& rejection : batch.rejections()) {
    if (response.rejected_size() >= static_cast<int>(kMaxRejectionsTold)) return;
    v1::Rejection* told = response.add_rejected();
    told->set_index(offset + rejection.index);
    told->set_field(rejection.field);
    told->set_reason(rejection.reason);
  }
}

// A message is read when the one before it is durable: what a stream may have in memory is one message.
class RecordReactor final : public grpc::ServerReadReactor<v1::RecordRequest> {
 public:
  RecordReactor(Intake& intake, std::string tenant, v1::RecordResponse* response)
      : intake_(intake), tenant_(std::move(tenant)), response_(response) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    // The client has said all; the answer holds what was counted.
    if (!ok) return Finish(grpc::Status::OK);
    if (request_.events_size() > kMaxEvents) {
      return Finish(rpc::ToGrpc(InvalidField("events", "at most " + std::to_string(kMaxEvents) + " in one message")));
    }
    Batch batch = intake_.NewBatch(EventSource::kGrpc, "");
    for (v1::PlaybackEvent& event : *request_.mutable_events()) {
      // A program writes for its own tenant, whatever its events say.
      if (!tenant_.empty()) event.set_tenant(tenant_);
      AddProtoEvent(event, batch);
    }
    intake_.CountRejected(Refusal::kInvalid, batch.rejected());
    AddRejections(batch, read_, *response_);
    read_ += batch.seen();
    const int64_t accepted = batch.accepted();
    const int64_t rejected = batch.rejected();
    // `this` is there until it calls Finish, also when the client has gone.
    intake_.Submit(batch, EventSource::kGrpc, [this, accepted, rejected](const Status& status) {
      if (!status.ok()) return Finish(rpc::ToGrpc(status));
      response_->set_accepted(response_->accepted() + accepted);
      response_->set_rejected_count(response_->rejected_count() + rejected);
      StartRead(&request_);
    });
  }
  void OnDone() override { delete this; }

 private:
  Intake& intake_;
  const std::string tenant_;  // whose all events are; empty: each says it
  v1::RecordRequest request_;
  v1::RecordResponse* const response_;
  int64_t read_ = 0;
};

using CallbackBase =
    v1::AnalyticsIngest::WithCallbackMethod_Record<v1::AnalyticsIngest::WithCallbackMethod_RecordDeliveries<v1::AnalyticsIngest::Service>>;

class Service final : public CallbackBase {
 public:
  Service(Intake& intake, ViewerEraser eraser, rpc::Authorizer authorizer)
      : intake_(intake), eraser_(std::move(eraser)), authorizer_(std::move(authorizer)) {}

  grpc::ServerReadReactor<v1::RecordRequest>* Record(grpc::CallbackServerContext* context, v1::RecordResponse* response) override {
    const auto caller = authorizer_.Authorize(*context, {Scope::kWrite, Scope::kFleet});
    if (!caller.ok()) return new rpc::RefusedCall<grpc::ServerReadReactor<v1::RecordRequest>>(caller.status());
    return new RecordReactor(intake_, caller->Has(Scope::kFleet) ? "" : caller->tenant, response);
  }

  grpc::ServerUnaryReactor* RecordDeliveries(grpc::CallbackServerContext* context, const v1::RecordDeliveriesRequest* request,
                                             v1::RecordDeliveriesResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (const auto caller = authorizer_.Authorize(*context, {Scope::kFleet}); !caller.ok()) {
      reactor->Finish(rpc::ToGrpc(caller.status()));
      return reactor;
    }
    if (request->records_size() > kMaxDeliveries) {
      reactor->Finish(rpc::ToGrpc(InvalidField("records", "at most " + std::to_string(kMaxDeliveries) + " in one call")));
      return reactor;
    }
    Batch batch = intake_.NewBatch(EventSource::kGateway, "");
    for (const v1::DeliveryRecord& record : request->records()) AddDelivery(record, batch);
    intake_.CountRejected(Refusal::kInvalid, batch.rejected());
    response->set_accepted(batch.accepted());
    AddRejections(batch, 0, *response);
    intake_.Submit(batch, EventSource::kGateway, [reactor](const Status& status) { reactor->Finish(rpc::ToGrpc(status)); });
    return reactor;
  }

  grpc::Status EraseViewer(grpc::ServerContext* context, const v1::EraseViewerRequest* request,
                           v1::EraseViewerResponse* response) override {
    return authorizer_.Authorize(*context, {Scope::kOperate, Scope::kFleet}, [&](const Caller& caller) {
      const std::string tenant = request->tenant().empty() ? caller.tenant : request->tenant();
      if (!caller.Has(Scope::kFleet) && tenant != caller.tenant) return rpc::ToGrpc(PermissionDenied("tenant: is not the token's"));
      return Erase(*context, tenant, *request, response);
    });
  }

 private:
  grpc::Status Erase(const grpc::ServerContext& context, const std::string& tenant, const v1::EraseViewerRequest& request,
                     v1::EraseViewerResponse* response) {
    if (!IsIdText(tenant)) return rpc::ToGrpc(InvalidField("tenant", "must be 1 to 64 characters of A-Z a-z 0-9 - _"));
    if (request.viewer_id().empty() || request.viewer_id().size() > kMaxIdBytes) {
      return rpc::ToGrpc(InvalidField("viewer_id", "must be 1 to 64 bytes"));
    }
    struct Place {
      std::atomic<int>& running;
      const int before = running.fetch_add(1);
      ~Place() { --running; }
    } place{erasing_};
    if (place.before >= kErasuresAtOnce) return rpc::ToGrpc(Unavailable("other erasures are under way; try again later"));
    // Without a deadline the end lies far away, and the longest budget holds.
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(context.deadline() - std::chrono::system_clock::now());
    const std::vector<std::string> hashes = intake_.viewers().AllHashes(tenant, request.viewer_id(), intake_.NowMs());
    const auto erased = eraser_(tenant, hashes, std::clamp(left, std::chrono::milliseconds(0), kMaxErase));
    if (!erased.ok()) return rpc::ToGrpc(erased.status());
    response->set_sessions(erased->sessions);
    response->set_events(erased->events);
    return grpc::Status::OK;
  }

  Intake& intake_;
  const ViewerEraser eraser_;
  const rpc::Authorizer authorizer_;
  std::atomic<int> erasing_{0};
};

}  // namespace

std::unique_ptr<grpc::Service> MakeIngestService(Intake& intake, ViewerEraser eraser, rpc::Authorizer authorizer) {
  return std::make_unique<Service>(intake, std::move(eraser), std::move(authorizer));
}

}  // namespace vora::analytics
