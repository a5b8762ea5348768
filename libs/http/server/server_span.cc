#include "libs/http/server/server_span.h"

#include <algorithm>
#include <array>

#include "libs/obs/span.h"

namespace vora::http {
namespace {

// Others would make names without end.
std::string Method(const std::string& method) {
  constexpr std::array<std::string_view, 7> kKnown = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  return std::find(kKnown.begin(), kKnown.end(), method) == kKnown.end() ? "_OTHER" : method;
}

}  // namespace

void RecordServerSpan(const Request& request, const std::string& route, const std::string& shown_path, int status, SystemTime start) {
  if (!obs::RecordsSpans(request.trace)) return;
  obs::SpanRecord span;
  const std::string method = Method(request.method);
  span.name = method + " " + route;
  span.kind = obs::SpanKind::kServer;
  span.context = request.trace;
  span.parent_span_id = obs::SpanIdOf(request.headers.GetOr("traceparent", ""));
  span.start = start;
  span.end = std::chrono::system_clock::now();
  span.failed = status == 0 || status >= 500;
  if (span.failed) span.error = status == 0 ? "no response was sent" : "HTTP status " + std::to_string(status);
  span.attributes = {{"http.request.method", method}, {"http.route", route}, {"url.path", shown_path}};
  if (status != 0) span.attributes.emplace_back("http.response.status_code", std::to_string(status));
  if (request.content_length) span.attributes.emplace_back("http.request.body.size", std::to_string(*request.content_length));
  obs::RecordSpan(std::move(span));
}

}  // namespace vora::http
