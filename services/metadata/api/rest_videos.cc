#include <charconv>

#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/protojson/proto_json.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/imports/import_operations.h"
#include "services/metadata/videos/video_operations.h"

namespace vora::metadata {
namespace {

http::Response VideoResponse(int status, const StatusOr<v1::Video>& video) {
  return video.ok() ? http::Response::Json(status, ToJsonText(*video)) : http::ErrorResponse(video.status());
}

// The id from the path; ids are 32 hex digits, anything else is simply not found.
std::string Id(const http::Request& request) { return request.params.at("id"); }

Status CheckNoBody(const std::string& body) {
  if (body.empty() || body == "{}") return absl::OkStatus();
  return InvalidField("body", "this request takes none");
}

// What plays it and what it is called: nothing of how it came to be.
v1::Video ForViewers(const v1::Video& video) {
  v1::Video shown;
  shown.set_video_id(video.video_id());
  shown.set_title(video.title());
  shown.set_description(video.description());
  shown.set_state(video.state());
  shown.set_progress_percent(video.progress_percent());
  shown.set_duration_seconds(video.duration_seconds());
  shown.set_hls_url(video.hls_url());
  shown.set_dash_url(video.dash_url());
  shown.set_poster_url(video.poster_url());
  shown.set_storyboard_url(video.storyboard_url());
  *shown.mutable_parts() = video.parts();
  shown.set_watch_url(video.watch_url());
  shown.set_version(video.version());
  shown.set_playable(video.playable());
  shown.set_revision(video.revision());
  *shown.mutable_created_at() = video.created_at();
  *shown.mutable_captions() = video.captions();
  return shown;
}

StatusOr<ListRequest> ParseListRequest(const http::Request& request) {
  VORA_RETURN_IF_ERROR(CheckQueryKeys(request, {"page_size", "page_token", "state", "query", "external_id", "label"}));
  ListRequest list;
  list.tenant = request.caller.tenant;
  if (const auto size = request.Query("page_size")) {
    const char* end = size->data() + size->size();
    const auto parsed = std::from_chars(size->data(), end, list.page_size);
    if (parsed.ec != std::errc() || parsed.ptr != end || list.page_size == 0) {
      return InvalidField("page_size", "must be a number from 1 to " + std::to_string(kMaxPageSize));
    }
  }
  list.page_token = request.Query("page_token").value_or("");
  list.state = request.Query("state").value_or("");
  list.query = request.Query("query").value_or("");
  list.external_id = request.Query("external_id").value_or("");
  const auto [first, last] = request.query.equal_range("label");
  for (auto it = first; it != last; ++it) {
    VORA_ASSIGN_OR_RETURN(auto label, ParseLabel(it->second));
    if (!list.labels.insert(std::move(label)).second) return InvalidField("label", "the same key stands in it twice");
  }
  return list;
}

// Whether a file that lies elsewhere is asked for, and not an upload. What is no such body at all is told of by who reads it.
bool AsksForImport(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  return json.is_object() && json.contains("source");
}

StatusOr<CreatedVideo> ImportVideo(ImportOperations& imports, const http::Request& request, const std::string& body) {
  v1::ImportVideoRequest given;
  VORA_RETURN_IF_ERROR(
      FromBody(body, {"source", "title", "description", "priority", "external_id", "labels", "request_id", "ladder"}, given));
  // The same key that names the request names its video, also after the answer is forgotten.
  if (given.request_id().empty()) given.set_request_id(request.headers.GetOr("Idempotency-Key", ""));
  return imports.Import(request.caller.tenant, given);
}

StatusOr<CreatedVideo> CreateOfUpload(VideoOperations& operations, const http::Request& request, const std::string& body) {
  v1::CreateVideoRequest given;
  VORA_RETURN_IF_ERROR(FromBody(body, {"upload_id", "title", "description", "priority", "external_id", "labels", "ladder"}, given));
  return operations.CreateFromRequest(request.caller.tenant, given);
}

http::Response CreateVideo(VideoOperations& operations, ImportOperations& imports, const http::Request& request, const std::string& body) {
  const auto created = AsksForImport(body) ? ImportVideo(imports, request, body) : CreateOfUpload(operations, request, body);
  if (!created.ok()) return http::ErrorResponse(created.status());
  http::Response response = http::Response::Json(created->created ? 201 : 200, ToJsonText(created->video));
  response.headers.Set("Location", "/v1/videos/" + created->video.video_id());
  return response;
}

StatusOr<v1::Video> UpdateVideo(VideoOperations& operations, const http::Request& request, const std::string& body) {
  v1::UpdateVideoRequest update;
  VORA_RETURN_IF_ERROR(
      FromBody(body, {"title", "description", "external_id", "labels"}, *update.mutable_video(), update.mutable_update_mask()));
  // An empty mask means all of them.
  if (update.update_mask().paths().empty()) return InvalidField("body", "give title, description, external_id or labels");
  update.mutable_video()->set_video_id(Id(request));
  return operations.Update(request.caller.tenant, update);
}

http::Response ListVideos(VideoOperations& operations, const http::Request& request) {
  const auto list = ParseListRequest(request);
  if (!list.ok()) return http::ErrorResponse(list.status());
  const auto page = operations.List(*list);
  if (!page.ok()) return http::ErrorResponse(page.status());
  v1::ListVideosResponse response;
  for (const auto& video : page->videos) *response.add_videos() = video;
  response.set_next_page_token(page->next_page_token);
  return http::Response::Json(200, ToJsonText(response));
}

}  // namespace

void AddVideoRoutes(ApiRoutes& routes, VideoOperations& operations, ImportOperations& imports, VideoRepo& videos) {
  routes.Simple("POST", "/v1/videos", [&operations, &imports](const http::Request& request, const std::string& body) {
    return CreateVideo(operations, imports, request, body);
  });
  routes.Simple("GET", "/v1/videos",
                [&operations](const http::Request& request, const std::string&) { return ListVideos(operations, request); });
  routes.Simple("GET", "/v1/videos/{id}", [&videos](const http::Request& request, const std::string&) {
    return VideoResponse(200, videos.Get(request.caller.tenant, Id(request)));
  });
  routes.Simple("GET", "/v1/public/videos/{id}", [&videos](const http::Request& request, const std::string&) {
    const auto video = videos.GetAny(Id(request));
    return VideoResponse(200, video.ok() ? StatusOr<v1::Video>(ForViewers(*video)) : video);
  });
  routes.Simple("PATCH", "/v1/videos/{id}", [&operations](const http::Request& request, const std::string& body) {
    return VideoResponse(200, UpdateVideo(operations, request, body));
  });
  routes.Simple("DELETE", "/v1/videos/{id}", [&videos](const http::Request& request, const std::string&) {
    const Status deleted = videos.Delete(request.caller.tenant, Id(request));
    return deleted.ok() ? http::Response::Empty(204) : http::ErrorResponse(deleted);
  });
  routes.Simple("POST", "/v1/videos/{id}/cancel", [&videos](const http::Request& request, const std::string& body) {
    if (const Status none = CheckNoBody(body); !none.ok()) return http::ErrorResponse(none);
    return VideoResponse(200, videos.Cancel(request.caller.tenant, Id(request)));
  });
  routes.Simple("POST", "/v1/videos/{id}/retry", [&videos](const http::Request& request, const std::string& body) {
    if (const Status none = CheckNoBody(body); !none.ok()) return http::ErrorResponse(none);
    return VideoResponse(200, videos.Retry(request.caller.tenant, Id(request)));
  });
}

}  // namespace vora::metadata
