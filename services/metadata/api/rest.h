#pragma once

// The REST API by resource. Everything given must outlive the server.

#include <optional>
#include <string>

#include "libs/auth/playback_token.h"
#include "services/metadata/api/api_routes.h"

namespace vora::metadata {

class AnalyticsQueries;
class EncodeRepo;
class FleetView;
class ImportOperations;
class LadderOperations;
class LiveViewers;
class OrchestratorClient;
class SourceOperations;
class VideoOperations;
class VideoRepo;
class ViewerErasure;
class WatchHub;

void AddVideoRoutes(ApiRoutes& routes, VideoOperations& operations, ImportOperations& imports, VideoRepo& videos);
// Later encodes of videos.
void AddEncodeRoutes(ApiRoutes& routes, EncodeRepo& encodes);
// Sources, scans of them, and what buckets tell; the last has tokens of its own.
void AddSourceRoutes(ApiRoutes& routes, SourceOperations& sources);
// Server-sent events of one video and of all.
void AddEventRoutes(ApiRoutes& routes, VideoRepo& videos, WatchHub& hub, std::chrono::milliseconds heartbeat = std::chrono::seconds(15),
                    std::chrono::milliseconds lifetime = kStreamLifetime);
void AddHistoryRoutes(ApiRoutes& routes, VideoRepo& videos, OrchestratorClient& orchestrator);
// Pause, resume and retry-now of a video's workflow, and its priority.
void AddControlRoutes(ApiRoutes& routes, VideoRepo& videos, VideoOperations& operations, OrchestratorClient& orchestrator);
// What operators set for queues and tenants.
void AddSettingsRoutes(ApiRoutes& routes, OrchestratorClient& orchestrator);
// What the pages need to know: where uploads go, whether playing needs a token, and whether people have to sign in (`guarded`).
void AddConfigRoutes(ApiRoutes& routes, const std::string& upload_url, bool playback_tokens = false, bool guarded = false);
// Where viewers find videos, and what signs their tokens.
struct PlaybackLinks {
  std::string public_url;                      // the edge, without a trailing slash
  std::optional<auth::PlaybackTokens> tokens;  // absent: everybody may play everything
};
void AddPlaybackRoutes(ApiRoutes& routes, VideoRepo& videos, PlaybackLinks links);
// Of VORA_UPLOAD_PUBLIC_URL; gives it a trailing slash.
Status CheckUploadUrl(std::string& url);
void AddLadderRoutes(ApiRoutes& routes, LadderOperations& ladders);
// Also as server-sent events, every two seconds.
void AddFleetRoutes(ApiRoutes& routes, FleetView& fleet);
// What viewers did, live viewers as server-sent events, and the erasure of a viewer. `configured`: there is a ClickHouse to ask.
void AddAnalyticsRoutes(ApiRoutes& routes, AnalyticsQueries& queries, LiveViewers& live, ViewerErasure& erasure, bool configured,
                        std::chrono::milliseconds heartbeat = std::chrono::seconds(15));
void AddOpenApiRoute(ApiRoutes& routes);
// Static pages from `directory` (read at each request; empty: none), and the answer to every path that nobody else has. Not part of the
// API.
void AddConsoleRoutes(http::Server& server, const std::string& directory);

}  // namespace vora::metadata
