#include "libs/obs/otlp_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>

namespace vora::obs {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 8> kNumbers = {"http.response.status_code",
                                                      "http.request.body.size",
                                                      "http.response.body.size",
                                                      "rpc.grpc.status_code",
                                                      "server.port",
                                                      "vora.attempt",
                                                      "vora.bytes",
                                                      "vora.queue_wait_ms"};

bool IsNumber(std::string_view key, const std::string& value) {
  if (std::find(kNumbers.begin(), kNumbers.end(), key) == kNumbers.end()) return false;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  return error == std::errc() && end == value.data() + value.size();
}

json Attribute(const std::string& key, const std::string& value) {
  // An int64 is a string in the JSON of protobuf, so the text is right for both.
  return {{"key", key}, {"value", {{IsNumber(key, value) ? "intValue" : "stringValue", value}}}};
}

// A fixed64 is a string in JSON.
std::string Nanoseconds(SystemTime time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

int KindNumber(SpanKind kind) {
  switch (kind) {
    case SpanKind::kInternal:
      return 1;
    case SpanKind::kServer:
      return 2;
    case SpanKind::kClient:
      return 3;
    case SpanKind::kProducer:
      return 4;
    case SpanKind::kConsumer:
      return 5;
  }
  return 0;
}

json ToJson(const SpanRecord& span) {
  // Ids in hex: there OTLP departs from the JSON of protobuf, which would have base64.
  json out = {{"traceId", span.context.trace_id},
              {"spanId", span.context.span_id},
              {"flags", 1},
              {"name", span.name},
              {"kind", KindNumber(span.kind)},
              {"startTimeUnixNano", Nanoseconds(span.start)},
              {"endTimeUnixNano", Nanoseconds(span.end)}};
  if (!span.parent_span_id.empty()) out["parentSpanId"] = span.parent_span_id;
  if (span.failed) out["status"] = {{"code", 2}, {"message", span.error}};
  json attributes = json::array();
  for (const auto& [key, value] : span.attributes) attributes.push_back(Attribute(key, value));
  if (!attributes.empty()) out["attributes"] = std::move(attributes);
  return out;
}

}  // namespace

std::string ToOtlpJson(const OtlpResource& resource, const std::vector<SpanRecord>& spans) {
  json list = json::array();
  for (const SpanRecord& span : spans) list.push_back(ToJson(span));
  const json attributes = {Attribute("service.namespace", "vora"), Attribute("service.name", resource.service_name),
                           Attribute("service.version", resource.service_version), Attribute("service.instance.id", resource.instance_id)};
  json scope_spans = {{"scope", {{"name", "vora"}, {"version", resource.service_version}}}, {"spans", std::move(list)}};
  json resource_spans = {{"resource", {{"attributes", attributes}}}, {"scopeSpans", json::array({std::move(scope_spans)})}};
  const json request = {{"resourceSpans", json::array({std::move(resource_spans)})}};
  return request.dump(-1, ' ', false, json::error_handler_t::replace);
}

int64_t RejectedSpans(std::string_view response_body) {
  const json body = json::parse(response_body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object()) return 0;
  const auto partial = body.find("partialSuccess");
  if (partial == body.end() || !partial->is_object()) return 0;
  const auto rejected = partial->find("rejectedSpans");
  if (rejected == partial->end()) return 0;
  if (rejected->is_number_integer()) return std::max<int64_t>(0, rejected->get<int64_t>());
  int64_t number = 0;
  if (rejected->is_string()) {
    const auto& text = rejected->get_ref<const std::string&>();
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return std::max<int64_t>(0, number);
}

}  // namespace vora::obs
