#include "services/metadata/videos/video_operations.h"

#include <algorithm>
#include <cctype>
#include <vector>

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
  const auto external_id = metadata.find(std::string(kExternalIdKey));
  if (external_id != metadata.end() && CheckExternalId(external_id->second).ok()) video.external_id = external_id->second;
  video.labels = LabelsOfUpload(metadata);
  const auto ladder = metadata.find("ladder");
  if (ladder != metadata.end()) video.ladder = ladder->second;
  video.else_default = true;
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

StatusOr<CreatedVideo> VideoOperations::CreateFromRequest(const std::string& tenant, const v1::CreateVideoRequest& request) {
  const std::string& upload_id = request.upload_id();
  if (upload_id.empty()) return InvalidField("upload_id", "required, the id of a finished upload");
  VORA_RETURN_IF_ERROR(CheckUploadId(upload_id));
  VORA_RETURN_IF_ERROR(CheckTexts(request));
  const auto upload = uploads_.Get(upload_id);
  if (upload.status().code() == StatusCode::kNotFound) return NotFound("no upload " + upload_id);
  VORA_RETURN_IF_ERROR(upload.status());
  NewVideo video = FromUpload(*upload);
  // Another tenant's upload is answered as one that does not exist, so that ids cannot be probed.
  if (video.tenant != tenant) return NotFound("no upload " + upload_id);
  VORA_RETURN_IF_ERROR(CheckFinished(*upload));
  if (!request.title().empty()) {
    video.title = request.title();
    video.title_given = true;
  }
  if (!request.description().empty()) video.description = request.description();
  if (request.has_priority()) video.priority = request.priority();
  if (!request.ladder().empty()) {
    video.ladder = request.ladder();
    video.else_default = false;
  }
  const auto if_taken = request.external_id().empty() ? VideoRepo::IfTaken::kWarn : VideoRepo::IfTaken::kRefuse;
  if (!request.external_id().empty()) video.external_id = request.external_id();
  Labels labels(request.labels().begin(), request.labels().end());
  labels.insert(video.labels.begin(), video.labels.end());
  VORA_RETURN_IF_ERROR(CheckLabels(labels));
  video.labels = std::move(labels);
  VORA_ASSIGN_OR_RETURN(CreatedVideo created, videos_.Create(video, if_taken));
  if (created.deleted) return FailedPrecondition("the video of upload " + upload_id + " was deleted; upload the file again");
  // It was made by the upload's announcement, and its run may have begun with another one.
  if (!created.created && request.has_priority()) {
    VORA_RETURN_IF_ERROR(tell_priority_(created.video.video_id(), request.priority()));
  }
  return created;
}

StatusOr<v1::Video> VideoOperations::Update(const std::string& tenant, const v1::UpdateVideoRequest& request) {
  std::vector<std::string> fields(request.update_mask().paths().begin(), request.update_mask().paths().end());
  if (fields.empty()) fields = {"title", "description"};  // as it was when there was no more
  const v1::Video& video = request.video();
  VideoChange change;
  for (const std::string& field : fields) {
    if (field == "title") {
      if (video.title().empty()) return InvalidField("title", "must not be empty");
      VORA_RETURN_IF_ERROR(CheckTitle(video.title()));
      change.title = video.title();
    } else if (field == "description") {
      VORA_RETURN_IF_ERROR(CheckDescription(video.description()));
      change.description = video.description();
    } else if (field == "external_id") {
      VORA_RETURN_IF_ERROR(CheckExternalId(video.external_id()));
      change.external_id = video.external_id();
    } else if (field == "labels") {
      change.labels.emplace(video.labels().begin(), video.labels().end());
      VORA_RETURN_IF_ERROR(CheckLabels(*change.labels));
    } else {
      return InvalidField("update_mask", "only title, description, external_id and labels can be changed, not " + Sanitise(field, 100));
    }
  }
  return videos_.Update(tenant, video.video_id(), change);
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
  VORA_RETURN_IF_ERROR(CheckExternalId(request.external_id));
  VORA_RETURN_IF_ERROR(CheckLabels(request.labels));
  return videos_.List({request.tenant, request.state, request.query, request.external_id, request.labels}, page_size, request.page_token);
}

}  // namespace vora::metadata
