#include <nlohmann/json.hpp>

#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/protojson/proto_json.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/imports/source_operations.h"

namespace vora::metadata {
namespace {

std::string SourceName(const http::Request& request) { return request.params.at("name"); }
std::string ScanId(const http::Request& request) { return request.params.at("scan_id"); }

http::Response ScanSource(SourceOperations& sources, const http::Request& request, const std::string& body) {
  google::protobuf::FieldMask none;
  if (const Status empty = FromBody(body, {}, none); !empty.ok()) return http::ErrorResponse(empty);
  const auto scan = sources.Scan(request.caller.tenant, SourceName(request));
  if (!scan.ok()) return http::ErrorResponse(scan.status());
  http::Response response = http::Response::Json(202, ToJsonText(*scan));
  response.headers.Set("Location", "/v1/sources/" + scan->source() + "/scans/" + scan->scan_id());
  return response;
}

StatusOr<v1::ListScanFilesResponse> ListScanFiles(SourceOperations& sources, const http::Request& request) {
  VORA_RETURN_IF_ERROR(CheckQueryKeys(request, {"outcome", "page_size", "page_token"}));
  v1::ListScanFilesRequest list;
  list.set_name(SourceName(request));
  list.set_scan_id(ScanId(request));
  list.set_outcome(request.Query("outcome").value_or(""));
  VORA_ASSIGN_OR_RETURN(const int64_t size, QueryNumber(request, "page_size", 50, 1, 200));
  list.set_page_size(static_cast<int32_t>(size));
  list.set_page_token(request.Query("page_token").value_or(""));
  return sources.ListScanFiles(request.caller.tenant, list);
}

// As the bridge can show it: `Bearer TOKEN`, the password of `Basic`, or in the address, for stores that can do neither.
std::string EventsToken(const http::Request& request) {
  constexpr std::string_view kBearer = "Bearer ", kBasic = "Basic ";
  const std::string header = request.headers.GetOr("Authorization", "");
  if (header.starts_with(kBearer)) return header.substr(kBearer.size());
  if (header.starts_with(kBasic)) {
    const std::string pair = Base64Decode(header.substr(kBasic.size())).value_or("");
    return pair.substr(pair.find(':') + 1);
  }
  return request.Query("token").value_or("");
}

http::Response TakeEvents(SourceOperations& sources, const http::Request& request, const std::string& body) {
  const auto taken = sources.TakeEvents(SourceName(request), EventsToken(request), body);
  if (!taken.ok()) return http::ErrorResponse(taken.status());
  const nlohmann::ordered_json json = {{"registered", taken->registered}, {"known", taken->known}, {"ignored", taken->ignored}};
  return http::Response::Json(200, json.dump());
}

}  // namespace

void AddSourceRoutes(ApiRoutes& routes, SourceOperations& sources) {
  using http::Request;
  routes.Simple("GET", "/v1/sources",
                [&sources](const Request& request, const std::string&) { return JsonOf(sources.List(request.caller.tenant)); });
  routes.Simple("POST", "/v1/sources/{name}:scan",
                [&sources](const Request& request, const std::string& body) { return ScanSource(sources, request, body); });
  routes.Simple("GET", "/v1/sources/{name}/scans", [&sources](const Request& request, const std::string&) {
    return JsonOf(sources.ListScans(request.caller.tenant, SourceName(request)));
  });
  routes.Simple("GET", "/v1/sources/{name}/scans/{scan_id}", [&sources](const Request& request, const std::string&) {
    return JsonOf(sources.GetScan(request.caller.tenant, SourceName(request), ScanId(request)));
  });
  routes.Simple("GET", "/v1/sources/{name}/scans/{scan_id}/files",
                [&sources](const Request& request, const std::string&) { return JsonOf(ListScanFiles(sources, request)); });
  routes.Simple("POST", "/v1/sources/{name}/scans/{scan_id}:cancel", [&sources](const Request& request, const std::string&) {
    return JsonOf(sources.CancelScan(request.caller.tenant, SourceName(request), ScanId(request)));
  });
  routes.Simple("POST", "/v1/sources/{name}/events",
                [&sources](const Request& request, const std::string& body) { return TakeEvents(sources, request, body); });
}

}  // namespace vora::metadata
