#include "services/amqp-bridge/metadata_client.h"

#include <utility>

#include "libs/core/error.h"
#include "libs/core/token_file.h"
#include "libs/rpc/call.h"

namespace vora::amqp {
namespace {

// Also how long the broker's connection is left alone: well below its heartbeats.
constexpr std::chrono::milliseconds kCallTimeout{5000};

}  // namespace

MetadataClient::MetadataClient(const BridgeSettings& settings)
    : token_(settings.token), token_file_(settings.token_file), subscription_(settings.subscription) {
  // A client of the tenant's: no daemon, whose tokens every call would show beside its own.
  rpc::SetFleetCredential(nullptr);
  const auto channel = rpc::Connect(settings.metadata);
  videos_ = metadata::v1::VideoService::NewStub(channel);
  events_ = metadata::v1::EventService::NewStub(channel);
}

template <typename Stub, typename Interface, typename Request, typename Response>
StatusOr<Response> MetadataClient::Call(Stub& stub, grpc::Status (Interface::*method)(grpc::ClientContext*, const Request&, Response*),
                                        const Request& request) {
  std::string token = token_;
  if (!token_file_.empty()) {
    auto read = ReadToken(token_file_);
    // While it is being replaced there is none: no fault of the task's.
    if (!read.ok()) return Unavailable(vora::Message(read.status()));
    token = *std::move(read);
  }
  grpc::ClientContext context;
  rpc::Prepare(context, kCallTimeout);
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  return rpc::Call(context, stub, method, request);
}

StatusOr<metadata::v1::Video> MetadataClient::Import(const Task& task) {
  metadata::v1::ImportForRecipientRequest request;
  *request.mutable_import() = task.request;
  request.set_subscription(subscription_);
  request.set_recipient(TextOf(task.recipient));
  return Call(*events_, &metadata::v1::EventService::Stub::ImportForRecipient, request);
}

StatusOr<metadata::v1::Video> MetadataClient::GetVideo(const std::string& video_id) {
  metadata::v1::GetVideoRequest request;
  request.set_video_id(video_id);
  return Call(*videos_, &metadata::v1::VideoService::Stub::GetVideo, request);
}

StatusOr<std::vector<metadata::v1::Event>> MetadataClient::FetchEvents() {
  metadata::v1::FetchEventsRequest request;
  request.set_subscription(subscription_);
  VORA_ASSIGN_OR_RETURN(const auto response, Call(*events_, &metadata::v1::EventService::Stub::FetchEvents, request));
  return std::vector<metadata::v1::Event>(response.events().begin(), response.events().end());
}

Status MetadataClient::AcknowledgeEvents(const std::vector<std::string>& ids) {
  metadata::v1::AcknowledgeEventsRequest request;
  request.set_subscription(subscription_);
  for (const auto& id : ids) request.add_event_ids(id);
  return Call(*events_, &metadata::v1::EventService::Stub::AcknowledgeEvents, request).status();
}

bool IsTasksFault(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
    case StatusCode::kAlreadyExists:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kOutOfRange:
      return true;
    default:
      return false;
  }
}

bool HoldsForAll(const Status& status) {
  const bool too_old = status.code() == StatusCode::kUnimplemented;
  return too_old || status.code() == StatusCode::kUnauthenticated || IsError(status, errors::kTokenScope);
}

}  // namespace vora::amqp
