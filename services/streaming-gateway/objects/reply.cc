#include "services/streaming-gateway/objects/reply.h"

#include "libs/core/error.h"

namespace vora::gateway {
namespace {

std::string Quoted(std::string_view etag) { return std::string(1, '"').append(etag).append(1, '"'); }

bool RangeApplies(const http::Request& request, const std::string& etag) {
  if (request.method != "GET" || !request.headers.Has("Range")) return false;
  const auto if_range = request.headers.Get("If-Range");
  // The exact tag only: a date or a weak tag gets the whole object (RFC 9110 section 13.1.5).
  return !if_range || *if_range == etag;
}

}  // namespace

std::string CacheControl(Freshness freshness, bool shared) {
  const std::string scope = shared ? "public, " : "private, ";
  switch (freshness) {
    case Freshness::kImmutable:
      return scope + "max-age=31536000, immutable";
    case Freshness::kFinal:
      return scope + "max-age=60, stale-while-revalidate=600";
    case Freshness::kGrowing:
      break;
  }
  return scope + "max-age=1, stale-while-revalidate=5";
}

http::Response DeliveryError(const Status& status) {
  Status told = status;
  // What the store says names keys and hosts, which nobody outside needs.
  if (FindErrorKind(DetailOf(status).reason) == nullptr) {
    if (status.code() == StatusCode::kNotFound) told = NotFound("there is nothing here");
    if (IsTransient(status)) told = Unavailable("the origin is away for the moment; try again");
  }
  http::Response response = http::ErrorResponse(told);
  const bool personal = response.status == 401 || response.status == 403;
  response.headers.Set("Cache-Control", personal ? "private, no-store" : "public, max-age=1");
  return response;
}

ObjectReply PlanObjectReply(const http::Request& request, const storage::ObjectInfo& info, std::string_view content_type,
                            std::string_view cache_control) {
  const std::string etag = Quoted(info.etag);
  ObjectReply reply;
  reply.length = info.size;
  if (RangeApplies(request, etag)) {
    if (const auto range = http::ParseRange(request.headers.GetOr("Range", ""), info.size)) {
      if (!*range) {
        reply.head = DeliveryError(
            MakeError(errors::kRangeNotSatisfiable, "the object has " + std::to_string(info.size) + " bytes", {.field = "Range"}));
        reply.head.headers.Set("Content-Range", "bytes */" + std::to_string(info.size));
        reply.has_body = false;
      } else {
        reply.head.status = 206;
        reply.first = (*range)->first;
        reply.length = (*range)->last - (*range)->first + 1;
        reply.head.headers.Set("Content-Range", "bytes " + std::to_string((*range)->first) + "-" + std::to_string((*range)->last) + "/" +
                                                    std::to_string(info.size));
      }
    }
  }
  // If-None-Match goes before Range (RFC 9110 section 13.2.2).
  const auto if_none_match = request.headers.Get("If-None-Match");
  if (if_none_match && http::EtagMatches(*if_none_match, etag)) {
    reply = ObjectReply{http::Response::Empty(304), false, 0, 0};
  }
  // It is an error about this request, and must not carry the object's lifetime.
  if (reply.head.status == 416) return reply;
  reply.head.headers.Set("ETag", etag);
  reply.head.headers.Set("Cache-Control", cache_control);
  if (reply.has_body) {
    reply.head.headers.Set("Content-Type", content_type);
    reply.head.headers.Set("Accept-Ranges", "bytes");
  }
  return reply;
}

}  // namespace vora::gateway
