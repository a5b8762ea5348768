#pragma once

// Spans as OTLP/HTTP's JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/obs/span.h"

namespace vora::obs {

struct OtlpResource {
  std::string service_name;
  std::string service_version;
  std::string instance_id;  // of this process
};

// An ExportTraceServiceRequest. Attributes whose convention is a number ("http.response.status_code") are sent as numbers; what is not
// UTF-8 is replaced.
std::string ToOtlpJson(const OtlpResource& resource, const std::vector<SpanRecord>& spans);
// How many spans the collector says it refused; 0 when it says nothing that can be read.
int64_t RejectedSpans(std::string_view response_body);

}  // namespace vora::obs
