#pragma once

// Playlists and manifests, and the storyboard (always the published one): built from what metadata says while a video grows, the published
// objects once it is finished, and whichever of the two can be had while metadata or an object is missing.

#include <optional>
#include <string>

#include "libs/core/clock.h"
#include "libs/http/server/server.h"
#include "libs/layout/delivery_path.h"
#include "services/streaming-gateway/cache/presentation_cache.h"
#include "services/streaming-gateway/objects/object_delivery.h"

namespace vora::gateway {

struct ManifestAnswer {
  Status status = {};
  std::string text = {};
  bool final = false;  // it will not change any more
};

// The part that needs neither network nor disk. `path` names a manifest of the presentation's current revision, or of none.
ManifestAnswer BuildManifest(const playback::v1::Presentation& presentation, const layout::DeliveryPath& path, SystemTime now);

// Thread-safe.
class Manifests {
 public:
  Manifests(PresentationCache& presentations, ObjectDelivery& objects, const Clock& clock);
  // `uri_suffix` is put after every URI of the text.
  http::Task<void> Serve(http::Exchange& exchange, std::string video_id, layout::DeliveryPath path, std::string uri_suffix, bool shared,
                         Provenance& provenance);
  // The key of a picture of the video's current revision; the first encode's while metadata is away.
  http::Task<std::string> PictureKey(std::string video_id, layout::DeliveryPath path);

 private:
  http::Task<ManifestAnswer> Find(http::Exchange& exchange, const std::string& video_id, const layout::DeliveryPath& path,
                                  Provenance& provenance);
  http::Task<ManifestAnswer> ReadPublished(http::Exchange& exchange, const std::string& video_id, layout::DeliveryPath path,
                                           const std::string& revision, Provenance& provenance);

  PresentationCache& presentations_;
  ObjectDelivery& objects_;
  const Clock& clock_;
};

}  // namespace vora::gateway
