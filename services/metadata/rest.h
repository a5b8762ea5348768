#pragma once

// The REST API by resource. Everything given must outlive the server.

#include <string>

#include "services/metadata/api_routes.h"

namespace vora::metadata {

class FleetView;
class LadderRepo;
class OrchestratorClient;
class VideoOperations;
class VideoRepo;
class WatchHub;

void AddVideoRoutes(ApiRoutes& routes, VideoOperations& operations, VideoRepo& videos);
// Server-sent events of one video and of all.
void AddEventRoutes(ApiRoutes& routes, VideoRepo& videos, WatchHub& hub, std::chrono::milliseconds heartbeat = std::chrono::seconds(15));
void AddHistoryRoutes(ApiRoutes& routes, VideoRepo& videos, OrchestratorClient& orchestrator);
void AddLadderRoutes(ApiRoutes& routes, LadderRepo& ladders);
// Also as server-sent events, every two seconds.
void AddFleetRoutes(ApiRoutes& routes, FleetView& fleet);
void AddOpenApiRoute(ApiRoutes& routes);
// Static pages from `directory` (read at each request; empty: none). Not part of the API.
void AddConsoleRoutes(http::Server& server, const std::string& directory);

}  // namespace vora::metadata
