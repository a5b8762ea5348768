#include "libs/obs/otlp_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace vora::obs {
namespace {

using nlohmann::json;

SpanRecord Example() {
  SpanRecord span;
  span.name = "PATCH /files/{id}";
  span.kind = SpanKind::kServer;
  span.context = {"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", true};
  span.parent_span_id = "00f067aa0ba902b7";
  span.start = SystemTime(std::chrono::nanoseconds(1'700'000'000'123'456'789));
  span.end = span.start + std::chrono::milliseconds(5);
  span.attributes = {{"http.request.method", "PATCH"}, {"http.response.status_code", "204"}};
  return span;
}

json Only(const std::string& text) {
  const json request = json::parse(text);
  EXPECT_EQ(request.at("resourceSpans").size(), 1u);
  EXPECT_EQ(request.at("resourceSpans")[0].at("scopeSpans").size(), 1u);
  return request.at("resourceSpans")[0].at("scopeSpans")[0].at("spans").at(0);
}

TEST(OtlpJsonTest, WritesASpanAsTheSpecificationSays) {
  const json expected = json::parse(R"({
    "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "parentSpanId": "00f067aa0ba902b7", "flags": 1,
    "name": "PATCH /files/{id}", "kind": 2,
    "startTimeUnixNano": "1700000000123456789", "endTimeUnixNano": "1700000000128456789",
    "attributes": [{"key": "http.request.method", "value": {"stringValue": "PATCH"}},
                   {"key": "http.response.status_code", "value": {"intValue": "204"}}]})");
  EXPECT_EQ(Only(ToOtlpJson({"vora-upload", "0.1.0", "one"}, {Example()})), expected);
}

TEST(OtlpJsonTest, TheResourceNamesTheProcess) {
  const json request = json::parse(ToOtlpJson({"vora-upload", "0.1.0", "one"}, {Example()}));
  std::map<std::string, std::string> resource;
  for (const json& attribute : request["resourceSpans"][0]["resource"]["attributes"]) {
    resource[attribute["key"]] = attribute["value"]["stringValue"];
  }
  EXPECT_EQ(
      resource,
      (std::map<std::string, std::string>{
          {"service.namespace", "vora"}, {"service.name", "vora-upload"}, {"service.version", "0.1.0"}, {"service.instance.id", "one"}}));
}

TEST(OtlpJsonTest, ARootHasNoParentAndAFailureSaysWhy) {
  SpanRecord span = Example();
  span.parent_span_id.clear();
  span.failed = true;
  span.error = "UNAVAILABLE: \xff refused";
  const json written = Only(ToOtlpJson({"a", "b", "c"}, {span}));
  EXPECT_FALSE(written.contains("parentSpanId"));
  EXPECT_EQ(written.at("status"), (json{{"code", 2}, {"message", "UNAVAILABLE: \xEF\xBF\xBD refused"}}));
}

TEST(OtlpJsonTest, EachKindHasItsNumber) {
  SpanRecord span = Example();
  const std::vector<std::pair<SpanKind, int>> kinds = {
      {SpanKind::kInternal, 1}, {SpanKind::kServer, 2}, {SpanKind::kClient, 3}, {SpanKind::kProducer, 4}, {SpanKind::kConsumer, 5}};
  for (const auto& [kind, number] : kinds) {
    span.kind = kind;
    EXPECT_EQ(Only(ToOtlpJson({"a", "b", "c"}, {span})).at("kind"), number);
  }
}

TEST(OtlpJsonTest, ReadsWhatTheCollectorRefused) {
  EXPECT_EQ(RejectedSpans(R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"late"}})"), 3);
  EXPECT_EQ(RejectedSpans(R"({"partialSuccess":{"rejectedSpans":2}})"), 2);
  for (const char* none :
       {"", "{}", "[]", "ok", R"({"partialSuccess":{}})", R"({"partialSuccess":{"rejectedSpans":"-4"}})", R"({"partialSuccess":[1]})"}) {
    EXPECT_EQ(RejectedSpans(none), 0) << none;
  }
}

}  // namespace
}  // namespace vora::obs
