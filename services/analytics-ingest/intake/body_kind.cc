#include "services/analytics-ingest/intake/body_kind.h"

#include <array>
#include <string>

#include "libs/core/text.h"

namespace vora::analytics {
namespace {

struct KnownType {
  const char* name;
  BodyKind kind;
};
constexpr std::array kMediaTypes = {
    KnownType{"application/json", BodyKind::kJson},          KnownType{"text/plain", BodyKind::kJson},
    KnownType{"application/x-ndjson", BodyKind::kJsonLines}, KnownType{"application/ndjson", BodyKind::kJsonLines},
    KnownType{"application/jsonl", BodyKind::kJsonLines},    KnownType{"application/cmcd", BodyKind::kCmcdEvents},
    KnownType{"text/cmcd", BodyKind::kCmcdEvents},  // drafts of version 2
};

}  // namespace

BodyKind BodyKindOf(std::string_view content_type) {
  content_type = TrimBlanks(content_type.substr(0, content_type.find(';')));
  if (content_type.empty()) return BodyKind::kJson;
  for (const KnownType& known : kMediaTypes) {
    if (EqualsIgnoreCase(known.name, content_type)) return known.kind;
  }
  return BodyKind::kUnknown;
}

bool CarriesCmcd(const http::Request& request) {
  if (request.query.contains("CMCD")) return true;
  for (const char* name : {"CMCD-Object", "CMCD-Request", "CMCD-Session", "CMCD-Status"}) {
    if (request.headers.Has(name)) return true;
  }
  return false;
}

}  // namespace vora::analytics
