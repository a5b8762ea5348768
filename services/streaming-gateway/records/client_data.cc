#include "services/streaming-gateway/records/client_data.h"

#include <string>
#include <utility>

#include "libs/core/encoding.h"

namespace vora::gateway {
namespace {

std::optional<cmcd::Cmcd> Parsed(StatusOr<cmcd::Cmcd> data) {
  if (!data.ok()) return std::nullopt;
  return *std::move(data);
}

}  // namespace

std::optional<cmcd::Cmcd> ClientData(const http::Request& request) {
  if (const auto query = request.Query("CMCD")) return Parsed(cmcd::Parse(*query));
  const http::Headers& headers = request.headers;
  if (const auto handed_on = headers.Get("X-Vora-CMCD")) {
    const auto text = PercentDecode(*handed_on);
    return text ? Parsed(cmcd::Parse(*text)) : std::nullopt;
  }
  const std::string object = headers.GetOr("CMCD-Object", ""), about = headers.GetOr("CMCD-Request", "");
  const std::string session = headers.GetOr("CMCD-Session", ""), status = headers.GetOr("CMCD-Status", "");
  if (object.empty() && about.empty() && session.empty() && status.empty()) return std::nullopt;
  return Parsed(cmcd::ParseHeaders(object, about, session, status));
}

}  // namespace vora::gateway
