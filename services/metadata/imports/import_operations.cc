#include "services/metadata/imports/import_operations.h"

#include <map>

#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/curl/outbound.h"
#include "libs/curl/url.h"
#include "libs/layout/layout.h"
#include "libs/obs/trace.h"
#include "services/metadata/imports/source_files.h"
#include "services/metadata/rows/subscription_rows_internal.h"
#include "services/metadata/videos/video_fields.h"

namespace vora::metadata {
namespace {

constexpr size_t kMaxRequestId = 255;
constexpr size_t kMaxSourceKey = 1024;  // bytes, as the stores have it

Status CheckRequestId(const std::string& id) {
  if (id.size() <= kMaxRequestId && IsValidUtf8(id) && id.find('\0') == std::string::npos) return absl::OkStatus();
  return InvalidField("request_id", "must be UTF-8 of at most 255 bytes", "255 bytes");
}

// As a field of the request: what the store or the guard says names its own.
Status Named(const Status& status, const std::string& field) {
  ErrorDetail detail = DetailOf(status);
  detail.field = field;
  return WithDetail(Status(status.code(), field + ": " + Message(status)), detail);
}

// What the store of a source says of its keys or abilities is not said of the caller's.
Status OfItsStore(const Status& status) {
  const bool about_us = status.code() == StatusCode::kUnauthenticated || status.code() == StatusCode::kUnimplemented;
  return about_us ? Unavailable("the source does not answer as it should: " + Message(status)) : status;
}

}  // namespace

StatusOr<NewImport> ImportOperations::OfSource(const std::string& tenant, const v1::ImportSource& given) const {
  VORA_ASSIGN_OR_RETURN(const sources::Source* source, sources_.FindOf(tenant, given.name()));
  if (given.key().empty()) return InvalidField("source.key", "required, the path of the file below the source's root");
  if (given.key().size() > kMaxSourceKey) return InvalidField("source.key", "at most 1024 bytes", "1024 bytes");
  const auto info = source->store->Head(given.key());
  if (info.status().code() == StatusCode::kNotFound)
    return Named(NotFound("there is no such file in the source " + given.name()), "source.key");
  if (!info.ok()) return Named(OfItsStore(info.status()), "source.key");
  return ImportOf(*source, *info);
}

StatusOr<NewImport> ImportOperations::OfUrl(const std::string& url) const {
  const curl::OutboundRules rules{
      .field = "source.url", .setting = "VORA_IMPORT_ALLOW_PRIVATE", .allow_private = allow_private_, .allow_http = true};
  VORA_ASSIGN_OR_RETURN(const curl::OutboundTarget target, curl::ParseOutboundUrl(url, rules));
  // What cannot be found out now the worker asks again, and judges.
  const Status resolved = curl::ResolveOutboundInPassing(target, rules).status();
  if (resolved.code() == StatusCode::kInvalidArgument) return resolved;
  NewImport import;
  import.url = url;
  const auto parsed = curl::ParseHttpUrl(url);
  const std::string last(layout::FileOf(parsed->path));
  import.filename = Sanitise(PercentDecode(last).value_or(last), kMaxTitle);
  import.title = TitleOfUpload({{ "filename", import.filename }});
  return import;
}

StatusOr<CreatedVideo> ImportOperations::Import(const std::string& tenant, const v1::ImportVideoRequest& request,
                                                const std::optional<EventRecipient>& recipient) {
  const v1::ImportSource& source = request.source();
  const bool by_name = !source.name().empty() || !source.key().empty();
  if (by_name == !source.url().empty()) return InvalidField("source", "give either name and key of a file in a source, or url");
  VORA_RETURN_IF_ERROR(CheckTexts(request));
  VORA_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  if (recipient) {
    VORA_RETURN_IF_ERROR(CheckSubscription(recipient->subscription));
    VORA_RETURN_IF_ERROR(CheckRecipient(recipient->text));
  }
  NewImport asked;
  asked.tenant = tenant;
  asked.source = source.name();
  asked.key = source.key();
  asked.url = source.url();
  asked.request_key = request.request_id();
  asked.recipient = recipient;
  // Before the file is looked for: it may be gone by now.
  VORA_ASSIGN_OR_RETURN(std::optional<CreatedVideo> created, imports_.Replay(asked));
  if (!created) {
    VORA_ASSIGN_OR_RETURN(created, Create(asked, request));
  }
  if (created->deleted) return FailedPrecondition("request_id: the video of this request was deleted; give another one");
  return *std::move(created);
}

StatusOr<CreatedVideo> ImportOperations::Create(const NewImport& asked, const v1::ImportVideoRequest& request) {
  auto import = asked.url.empty() ? OfSource(asked.tenant, request.source()) : OfUrl(asked.url);
  VORA_RETURN_IF_ERROR(import.status());
  import->tenant = asked.tenant;
  import->title_given = !request.title().empty();
  import->title = import->title_given ? request.title() : TitleOfUpload({{ "filename", import->filename }});
  import->description = request.description();
  if (request.has_priority()) import->priority = request.priority();
  import->external_id = request.external_id();
  import->labels = {request.labels().begin(), request.labels().end()};
  if (!request.ladder().empty()) {
    import->ladder = request.ladder();
    import->else_default = false;
  }
  import->request_key = asked.request_key;
  import->recipient = asked.recipient;
  import->traceparent = obs::CurrentTrace().ToTraceparent();
  return imports_.Create(*import);
}

}  // namespace vora::metadata
