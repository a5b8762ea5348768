#include "services/metadata/videos/video_operations.h"

#include <algorithm>
#include <cctype>

#include "libs/core/caller.h"
#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "libs/core/priority.h"
#include "libs/core/text.h"
#include "services/metadata/rows/video_state.h"

namespace vora::metadata {
namespace {

constexpr size_t kMaxUploadId = 128;

Status CheckUploadId(const std::string& id) {
  const bool valid = !id.empty() && id.size() <= kMaxUploadId &&
                     std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
  return valid ? absl::OkStatus() : InvalidField("upload_id", "must be 1 to 128 letters, digits, '-' or '_'");
}

NewVideo FromUpload(const upload::v1::Upload& upload) {
  const std::map<std::string, std::string> metadata(upload.metadata().begin(), upload.metadata().end());
  NewVideo video;
  video.tenant = upload.tenant().empty() ? kDefaultTenant : upload.tenant();
  video.upload_id = upload.upload_id();
  video.source_key = upload.object_key();
  video.title = TitleOfUpload(metadata);
  const auto given = metadata.find("title");
  video.title_given = given != metadata.end() && !given->second.empty();
  video.filename = FilenameOfUpload(metadata);
  const auto description = metadata.find("description");
  if (description != metadata.end()) video.description = Sanitise(description->second, kMaxDescription);
  // An upload of deferred length has none to the end.
  video.source_bytes = upload.has_length() ? upload.length() : upload.offset();
  video.traceparent = upload.traceparent();
  // Checked when the upload was made; one that an older daemon let through is no reason to lose the video.
  const auto priority = metadata.find("priority");
  if (priority != metadata.end()) {
    if (const auto parsed = ParsePriority(priority->second); parsed.ok()) video.priority = *parsed;
  }
  return video;
}

Status CheckFinished(const upload::v1::Upload& upload) {
  VORA_RETURN_IF_ERROR(CheckUploadId(upload.upload_id()));
  if (upload.state() != upload::v1::UPLOAD_STATE_UPLOADED) {
    return FailedPrecondition("upload " + upload.upload_id() + " is not finished: it is " +
                              upload::v1::UploadState_Name(upload.state()).substr(sizeof("UPLOAD_STATE_") - 1));
  }
  if (upload.object_key().empty()) return InvalidField("upload.object_key", "required of a finished upload");
  return absl::OkStatus();
}

}  // namespace

StatusOr<CreatedVideo> VideoOperations::CreateFromRequest(const std::string& tenant, const CreateBody& body) {
  VORA_RETURN_IF_ERROR(CheckUploadId(body.upload_id));
  VORA_RETURN_IF_ERROR(CheckTitle(body.title));
  VORA_RETURN_IF_ERROR(CheckDescription(body.description));
  const auto upload = uploads_.Get(body.upload_id);
  if (upload.status().code() == StatusCode::kNotFound) return NotFound("no upload " + body.upload_id);
  VORA_RETURN_IF_ERROR(upload.status());
  NewVideo video = FromUpload(*upload);
  // Another tenant's upload is answered as one that does not exist, so that ids cannot be probed.
  if (video.tenant != tenant) return NotFound("no upload " + body.upload_id);
  VORA_RETURN_IF_ERROR(CheckFinished(*upload));
  if (!body.title.empty()) {
    video.title = body.title;
    video.title_given = true;
  }
  if (!body.description.empty()) video.description = body.description;
  if (body.priority) {
    VORA_RETURN_IF_ERROR(CheckPriority(*body.priority));
    video.priority = body.priority;
  }
  VORA_ASSIGN_OR_RETURN(CreatedVideo created, videos_.Create(video));
  if (created.deleted) return FailedPrecondition("the video of upload " + body.upload_id + " was deleted; upload the file again");
  // It was made by the upload's announcement, and its run may have begun with another one.
  if (!created.created && body.priority) VORA_RETURN_IF_ERROR(tell_priority_(created.video.video_id(), *body.priority));
  return created;
}

StatusOr<v1::Video> VideoOperations::SetPriority(const std::string& tenant, const std::string& video_id, int priority) {
  VORA_RETURN_IF_ERROR(CheckPriority(priority));
  VORA_ASSIGN_OR_RETURN(v1::Video video, videos_.SetPriority(tenant, video_id, priority));
  VORA_RETURN_IF_ERROR(tell_priority_(video_id, priority));
  return video;
}

StatusOr<CreatedVideo> VideoOperations::CreateFromUpload(const upload::v1::Upload& upload) {
  VORA_RETURN_IF_ERROR(CheckFinished(upload));
  return videos_.Create(FromUpload(upload));
}

StatusOr<VideoPage> VideoOperations::List(const ListRequest& request) {
  VORA_ASSIGN_OR_RETURN(const int page_size, CheckPageSize(request.page_size));
  if (!request.state.empty() && !ParseVideoState(request.state)) {
    return InvalidField("state", "must be CREATED, PROCESSING, PARTIALLY_READY, READY, FAILED or CANCELLED");
  }
  const auto length = CountCodePoints(request.query);
  if (!length || *length > kMaxTitle || request.query.find('\0') != std::string::npos) {
    return InvalidField("query", "must be valid UTF-8 of at most " + std::to_string(kMaxTitle) + " characters");
  }
  return videos_.List({request.tenant, request.state, request.query}, page_size, request.page_token);
}

}  // namespace vora::metadata
