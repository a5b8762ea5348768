#include "services/metadata/imports/source_operations.h"

#include <charconv>

#include <openssl/crypto.h>

#include "libs/core/error.h"
#include "libs/obs/trace.h"
#include "services/metadata/imports/bucket_events.h"
#include "services/metadata/imports/source_files.h"
#include "services/metadata/videos/video_fields.h"

namespace vora::metadata {
namespace {

constexpr int kShownScans = 50;

bool SameToken(std::string_view a, std::string_view b) { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

}  // namespace

StatusOr<v1::ListSourcesResponse> SourceOperations::List(const std::string& tenant) {
  v1::ListSourcesResponse response;
  for (const sources::Source* source : sources_.all()) {
    if (source->spec.tenant != tenant) continue;
    v1::Source& shown = *response.add_sources();
    shown.set_name(source->spec.name);
    shown.set_location(source->store->Describe());
    shown.set_copied(source->spec.mode == sources::ImportMode::kCopy);
    shown.set_watch_seconds(static_cast<double>(source->spec.watch.count()) / 1000);
    shown.set_takes_events(!source->spec.events_token.empty());
    if (const Status there = source->store->Ping(); !there.ok()) shown.set_problem(Message(there));
    VORA_ASSIGN_OR_RETURN(auto scans, scans_.List(source->spec.name, 1));
    if (!scans.empty()) *shown.mutable_last_scan() = std::move(scans.front());
  }
  return response;
}

StatusOr<v1::Scan> SourceOperations::Scan(const std::string& tenant, const std::string& name) {
  VORA_RETURN_IF_ERROR(sources_.FindOf(tenant, name).status());
  auto scan = scans_.Begin(tenant, name);
  if (scan.status().code() == StatusCode::kAborted) scan = scans_.Begin(tenant, name);
  if (scan.ok()) begun_();
  return scan;
}

StatusOr<v1::Scan> SourceOperations::GetScan(const std::string& tenant, const std::string& name, const std::string& scan_id) {
  VORA_RETURN_IF_ERROR(sources_.FindOf(tenant, name).status());
  return scans_.Get(name, scan_id);
}

StatusOr<v1::ListScansResponse> SourceOperations::ListScans(const std::string& tenant, const std::string& name) {
  VORA_RETURN_IF_ERROR(sources_.FindOf(tenant, name).status());
  VORA_ASSIGN_OR_RETURN(const auto scans, scans_.List(name, kShownScans));
  v1::ListScansResponse response;
  for (const v1::Scan& scan : scans) *response.add_scans() = scan;
  return response;
}

StatusOr<v1::ListScanFilesResponse> SourceOperations::ListScanFiles(const std::string& tenant, const v1::ListScanFilesRequest& request) {
  VORA_RETURN_IF_ERROR(sources_.FindOf(tenant, request.name()).status());
  VORA_RETURN_IF_ERROR(scans_.Get(request.name(), request.scan_id()).status());
  VORA_ASSIGN_OR_RETURN(const int page_size, CheckPageSize(request.page_size()));
  const std::string& outcome = request.outcome();
  if (!outcome.empty() && outcome != "registered" && outcome != "failed") return InvalidField("outcome", "must be registered or failed");
  int64_t after = 0;
  const std::string& token = request.page_token();
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), after);
  if (!token.empty() && (error != std::errc() || end != token.data() + token.size() || after < 1)) {
    return InvalidField("page_token", "not a token of this service; use next_page_token of the page before");
  }
  return scans_.Files(request.scan_id(), outcome, after, page_size);
}

StatusOr<v1::Scan> SourceOperations::CancelScan(const std::string& tenant, const std::string& name, const std::string& scan_id) {
  VORA_RETURN_IF_ERROR(sources_.FindOf(tenant, name).status());
  return scans_.Cancel(name, scan_id);
}

StatusOr<EventsTaken> SourceOperations::TakeEvents(const std::string& name, std::string_view token, std::string_view body) {
  const auto source = sources_.Find(name);
  // Nobody learns from the answer which sources there are.
  if (!source.ok() || (*source)->spec.events_token.empty() || !SameToken(token, (*source)->spec.events_token)) {
    return Unauthenticated("the token is not that of this source's events");
  }
  VORA_ASSIGN_OR_RETURN(const BucketEvents events, ParseBucketEvents((*source)->spec, body));
  EventsTaken taken;
  taken.ignored = events.ignored;
  Status later;  // why it has to be sent again
  for (const std::string& key : events.keys) {
    // Whatever the message says, what lies there now counts: messages come late, twice and in any order.
    const auto info = IsMediaName(key) ? (*source)->store->Head(key) : StatusOr<storage::ObjectInfo>(NotFound(""));
    // One that cannot be read, whatever becomes of the others, is looked at by those who scan.
    if (!IsTransient(info.status()) && (!info.ok() || info->size == 0)) {
      ++taken.ignored;
      continue;
    }
    if (!info.ok()) {
      later = info.status();
      continue;
    }
    NewImport import = ImportOf(**source, *info);
    import.by_itself = true;
    import.traceparent = obs::CurrentTrace().ToTraceparent();
    VORA_ASSIGN_OR_RETURN(const CreatedVideo created, imports_.Create(import));
    ++(created.created ? taken.registered : taken.known);
  }
  VORA_RETURN_IF_ERROR(later);
  return taken;
}

}  // namespace vora::metadata
