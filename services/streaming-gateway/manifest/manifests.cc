#include "services/streaming-gateway/manifest/manifests.h"

#include <utility>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "services/streaming-gateway/manifest/playlist_uris.h"
#include "services/streaming-gateway/manifest/presentation.h"
#include "services/streaming-gateway/objects/reply.h"

namespace vora::gateway {
namespace {

std::string EtagOf(const std::string& text) { return std::string(1, '"').append(HexEncode(Sha256(text)), 0, 32).append(1, '"'); }

std::string Rewrite(const layout::DeliveryPath& path, const std::string& text, const std::string& prefix, const std::string& suffix) {
  if (prefix.empty() && suffix.empty()) return text;
  if (path.kind == layout::ObjectKind::kStoryboard) return RewriteStoryboardUris(text, prefix, suffix);
  return path.kind == layout::ObjectKind::kDash ? RewriteDashUris(text, prefix, suffix) : RewriteHlsUris(text, prefix, suffix);
}

bool IsOver(const playback::v1::Presentation& presentation) {
  return presentation.state() == "FAILED" || presentation.state() == "CANCELLED";
}

}  // namespace

Manifests::Manifests(PresentationCache& presentations, ObjectDelivery& objects, const Clock& clock)
    : presentations_(presentations), objects_(objects), clock_(clock) {}

http::Task<ManifestAnswer> Manifests::ReadPublished(http::Exchange& exchange, const std::string& video_id, layout::DeliveryPath path,
                                                    const std::string& revision, Provenance& provenance) {
  // The published master of a re-encode lies in the re-encode's folder, but is asked for above it.
  std::string prefix;
  if (path.revision.empty() && path.kind != layout::ObjectKind::kMediaPlaylist) prefix = path.revision = revision;
  std::string key = layout::ObjectKey(video_id, path);
  const StatusOr<std::string> text = co_await objects_.Read(exchange, std::move(key), provenance);
  ManifestAnswer answer;
  if (text.ok()) {
    answer.text = Rewrite(path, *text, prefix, "");
    answer.final = true;
  } else {
    answer.status = text.status();
  }
  co_return answer;
}

http::Task<ManifestAnswer> Manifests::Find(http::Exchange& exchange, const std::string& video_id, const layout::DeliveryPath& path,
                                           Provenance& provenance) {
  const PresentationCache::Answer known = co_await presentations_.Get(video_id);
  ManifestAnswer answer;
  if (known.status.code() == StatusCode::kNotFound) {
    answer.status = NotFound("no such video");
    co_return answer;
  }
  const playback::v1::Presentation* presentation = known.presentation.get();
  // Such a video has no manifest; its segments may be there all the same.
  if (presentation && IsOver(*presentation)) co_return BuildManifest(*presentation, path, clock_.Now());
  const std::string current = presentation ? RevisionOf(*presentation) : "";
  const bool other_revision = presentation && path.kind == layout::ObjectKind::kMediaPlaylist && path.revision != current;
  // While metadata is away, a video may have been finished since it was last heard of.
  const bool only_published = path.kind == layout::ObjectKind::kStoryboard;
  if (only_published || !known.status.ok() || presentation->complete() || other_revision) {
    answer = co_await ReadPublished(exchange, video_id, path, current, provenance);
    if (answer.status.ok() || (only_published && presentation)) co_return answer;
  }
  if (presentation) co_return BuildManifest(*presentation, path, clock_.Now());
  // Nothing is published, but whether such a video exists only metadata knows.
  if (answer.status.code() == StatusCode::kNotFound) answer.status = known.status;
  co_return answer;
}

http::Task<void> Manifests::Serve(http::Exchange& exchange, std::string video_id, layout::DeliveryPath path, std::string uri_suffix,
                                  bool shared, Provenance& provenance) {
  ManifestAnswer answer = co_await Find(exchange, video_id, path, provenance);
  http::Response response;
  if (!answer.status.ok()) {
    response = DeliveryError(answer.status);
    co_await exchange.Send(std::move(response));
    co_return;
  }
  response.body = Rewrite(path, answer.text, "", uri_suffix);
  // Of the text as it is sent: with a token in its URIs each viewer has another.
  const std::string etag = EtagOf(response.body);
  const auto if_none_match = exchange.request().headers.Get("If-None-Match");
  if (if_none_match && http::EtagMatches(*if_none_match, etag)) {
    response = http::Response::Empty(304);
  } else {
    response.headers.Set("Content-Type", path.content_type);
  }
  response.headers.Set("ETag", etag);
  response.headers.Set("Cache-Control", CacheControl(answer.final ? Freshness::kFinal : Freshness::kGrowing, shared));
  co_await exchange.Send(std::move(response));
}

http::Task<std::string> Manifests::PictureKey(std::string video_id, layout::DeliveryPath path) {
  if (path.revision.empty()) {
    const PresentationCache::Answer known = co_await presentations_.Get(video_id);
    if (known.presentation) path.revision = RevisionOf(*known.presentation);
  }
  co_return layout::ObjectKey(video_id, path);
}

}  // namespace vora::gateway
