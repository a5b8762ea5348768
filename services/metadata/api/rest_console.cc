#include "services/metadata/api/console_files.h"
#include "services/metadata/api/rest.h"

namespace vora::metadata {
namespace {

// Assets carry a hash of their content in their names; pages name the assets, so they are asked for again by ETag.
constexpr char kPageCaching[] = "no-cache";
constexpr char kAssetCaching[] = "public, max-age=31536000, immutable";
// The player feeds the video element and its worker from blobs, caption tracks begin as data URLs; uploads, manifests and segments may be
// of another origin.
constexpr char kPolicy[] =
    "default-src 'self'; connect-src *; media-src * data: blob:; img-src * data: blob:; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; ";

enum class Frames { kNobody, kAnybody };

struct Page {
  std::string name;
  Frames frames = Frames::kNobody;
  int status = 200;
};

http::Response Missing(const std::string& directory) {
  return http::ErrorResponse(directory.empty() ? NotFound("this server has no console: VORA_CONSOLE_DIR is not set")
                                               : NotFound("no such page"));
}

http::Response File(const http::Request& request, const ConsoleFile& file, std::string_view type, const char* caching, int status) {
  const bool fresh = status == 200 && http::EtagMatches(request.headers.GetOr("If-None-Match", ""), file.etag);
  http::Response response = http::Response::Empty(fresh ? 304 : status);
  response.headers.Set("Cache-Control", caching);
  response.headers.Set("Vary", "Accept-Encoding");
  if (status == 200) response.headers.Set("ETag", file.etag);
  // A 304 repeats what RFC 9110 section 15.4.5 lists; the rest would be of a body that is not sent.
  if (fresh) return response;
  response.headers.Set("Content-Type", type);
  if (file.gzipped) response.headers.Set("Content-Encoding", "gzip");
  response.headers.Set("X-Content-Type-Options", "nosniff");
  response.body = file.content;
  return response;
}

StatusOr<ConsoleFile> Read(const http::Request& request, const std::string& directory, const std::string& name) {
  return ReadConsoleFile(directory, name, AcceptsGzip(request.headers.GetOr("Accept-Encoding", "")));
}

http::Response ServePage(const http::Request& request, const std::string& directory, const Page& page) {
  if (directory.empty()) return Missing(directory);
  const auto file = Read(request, directory, page.name);
  if (!file.ok()) {
    return http::ErrorResponse(NotFound("the console is not built: " + page.name + " is not in VORA_CONSOLE_DIR"));
  }
  http::Response response = File(request, *file, ContentTypeOf(page.name), kPageCaching, page.status);
  response.headers.Set("Content-Security-Policy",
                       std::string(kPolicy) + (page.frames == Frames::kAnybody ? "frame-ancestors *" : "frame-ancestors 'none'"));
  // For browsers that do not know frame-ancestors.
  if (page.frames == Frames::kNobody) response.headers.Set("X-Frame-Options", "DENY");
  response.headers.Set("Referrer-Policy", "same-origin");
  return response;
}

http::Response ServeFile(const http::Request& request, const std::string& directory, const std::string& name, const char* caching) {
  if (directory.empty()) return Missing(directory);
  const auto file = Read(request, directory, name);
  if (!file.ok()) return http::ErrorResponse(file.status());
  return File(request, *file, ContentTypeOf(name), caching, 200);
}

// Browsers get a page that says so, programs JSON.
http::Response ServeUnknown(const http::Request& request, const std::string& directory) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const bool wants_page = request.headers.GetOr("Accept", "").find("text/html") != std::string::npos;
  const bool of_api = request.path == "/v1" || request.path.starts_with("/v1/");
  if (!reads || !wants_page || of_api || directory.empty() || !ReadConsoleFile(directory, "index.html").ok()) {
    return http::ErrorResponse(NotFound("no such path"));
  }
  return ServePage(request, directory, {"index.html", Frames::kNobody, 404});
}

}  // namespace

void AddConsoleRoutes(http::Server& server, const std::string& directory) {
  const auto page = [&](const char* pattern, const Page& shown) {
    server.RouteSimple("GET", pattern, [directory, shown](const http::Request& request, const std::string&) {
      return ServePage(request, directory, shown);
    });
  };
  for (const char* pattern :
       {"/", "/upload", "/import", "/ladders", "/analytics", "/fleet", "/watch/{id}", "/watch/{id}/analytics", "/watch/{id}/timeline"}) {
    page(pattern, {"index.html"});
  }
  page("/embed/{id}", {"embed.html", Frames::kAnybody});
  const auto file = [&](const char* pattern, const char* name) {
    server.RouteSimple("GET", pattern, [directory, name](const http::Request& request, const std::string&) {
      return ServeFile(request, directory, name, kPageCaching);
    });
  };
  file("/favicon.ico", "favicon.svg");
  file("/favicon.svg", "favicon.svg");
  file("/licenses.txt", "licenses.txt");
  server.RouteSimple("GET", "/assets/{rest*}", [directory](const http::Request& request, const std::string&) {
    return ServeFile(request, directory, "assets/" + request.params.at("rest"), kAssetCaching);
  });
  server.RouteSimple("*", "/{rest*}",
                     [directory](const http::Request& request, const std::string&) { return ServeUnknown(request, directory); });
}

}  // namespace vora::metadata
