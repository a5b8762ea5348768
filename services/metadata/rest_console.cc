#include "services/metadata/console_files.h"
#include "services/metadata/rest.h"

namespace vora::metadata {
namespace {

// Assets have no version in their names: kept for a few minutes, then asked for again by ETag.
constexpr char kPageCaching[] = "no-cache";
constexpr char kAssetCaching[] = "public, max-age=300, stale-while-revalidate=3600";
// The player feeds the video element and its worker from blobs; manifests and segments may come from an edge of another origin.
constexpr char kPagePolicy[] =
    "default-src 'self'; connect-src *; media-src * blob:; img-src * data:; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'";

http::Response File(const http::Request& request, const std::string& directory, const std::string& name, const char* caching) {
  if (directory.empty()) return http::ErrorResponse(NotFound("this server has no console: VORA_CONSOLE_DIR is not set"));
  const auto file = ReadConsoleFile(directory, name);
  if (!file.ok()) return http::ErrorResponse(file.status());
  const bool fresh = http::EtagMatches(request.headers.GetOr("If-None-Match", ""), file->etag);
  http::Response response = http::Response::Empty(fresh ? 304 : 200);
  response.headers.Set("ETag", file->etag);
  response.headers.Set("Cache-Control", caching);
  if (fresh) return response;
  const std::string_view type = ContentTypeOf(name);
  response.headers.Set("Content-Type", type);
  response.headers.Set("X-Content-Type-Options", "nosniff");
  if (type.substr(0, 9) == "text/html") {
    response.headers.Set("Content-Security-Policy", kPagePolicy);
    response.headers.Set("Referrer-Policy", "same-origin");
  }
  response.body = file->content;
  return response;
}

}  // namespace

void AddConsoleRoutes(http::Server& server, const std::string& directory) {
  const auto fixed = [&](const char* pattern, const char* name, const char* caching) {
    server.RouteSimple("GET", pattern, [directory, name, caching](const http::Request& request, const std::string&) {
      return File(request, directory, name, caching);
    });
  };
  fixed("/", "index.html", kPageCaching);
  fixed("/watch/{id}", "watch.html", kPageCaching);
  fixed("/favicon.ico", "assets/favicon.svg", kAssetCaching);
  server.RouteSimple("GET", "/assets/{rest*}", [directory](const http::Request& request, const std::string&) {
    return File(request, directory, "assets/" + request.params.at("rest"), kAssetCaching);
  });
}

}  // namespace vora::metadata
