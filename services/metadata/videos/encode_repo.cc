#include "services/metadata/videos/encode_repo.h"

#include <vector>

#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "libs/obs/trace.h"
#include "libs/workflow/definition/payload.h"
#include "services/metadata/rows/encode_rows_internal.h"
#include "services/metadata/rows/ladder_rows_internal.h"
#include "services/metadata/rows/outbox_rows_internal.h"
#include "services/metadata/rows/store.h"

namespace vora::metadata {
namespace {

constexpr char kOpenEncode[] = "SELECT video_id, ladder = $2::jsonb AS same FROM open_encodes WHERE encode_of = $1 LIMIT 1";
// Numbers are never given twice: objects of an encode that failed may still be there.
constexpr char kNextRevision[] = R"(
    SELECT greatest(v.revision, coalesce((SELECT max(revision) FROM videos WHERE encode_of = $1), 0)) + 1 AS revision
    FROM videos v WHERE v.video_id = $1)";
constexpr char kInsertEncode[] = R"(
    INSERT INTO videos (video_id, tenant, upload_id, title, filename, state, source_key, source_bytes, object_prefix, traceparent,
    priority, ladder, revision, encode_of)
    SELECT $2, tenant, $2, title, filename, 'CREATED', source_key, source_bytes, $3, $4, priority, $5::jsonb, $6, video_id
    FROM videos WHERE video_id = $1)";
constexpr char kEncodesOf[] = " FROM videos v WHERE v.encode_of = $1 AND v.deleted_at IS NULL ORDER BY v.revision DESC LIMIT 50";
constexpr char kOneEncode[] = "SELECT video_id FROM videos WHERE encode_of = $1 AND revision = $2 AND deleted_at IS NULL";
constexpr char kToDrop[] = R"(
    SELECT video_id, replaced_objects::text AS replaced FROM videos WHERE encode_of <> '' AND dropped_at IS NULL
    AND (drop_at <= now() OR state IN ('FAILED', 'CANCELLED')) ORDER BY video_id LIMIT 100 FOR UPDATE SKIP LOCKED)";
constexpr char kUnadopted[] = R"(
    SELECT video_id FROM videos WHERE encode_of <> '' AND dropped_at IS NULL AND state = 'READY' AND drop_at IS NULL
    ORDER BY video_id LIMIT 10 FOR UPDATE SKIP LOCKED)";
constexpr char kOrphans[] = R"(
    SELECT DISTINCT e.encode_of FROM open_encodes e JOIN videos v ON v.video_id = e.encode_of WHERE v.deleted_at IS NOT NULL LIMIT 10)";
constexpr char kDropped[] = "UPDATE videos SET dropped_at = now() WHERE video_id = $1";

v1::Encode Show(const VideoRow& row, const std::vector<RenditionRow>& renditions) {
  const v1::Video& video = row.video;
  v1::Encode encode;
  encode.set_revision(video.revision());
  encode.set_ladder(video.ladder());
  encode.set_ladder_version(video.ladder_version());
  encode.set_state(video.state());
  encode.set_failure_code(video.failure_code());
  encode.set_failure(video.failure());
  encode.set_progress_percent(video.progress_percent());
  *encode.mutable_created_at() = video.created_at();
  if (video.has_ready_at()) *encode.mutable_ready_at() = video.ready_at();
  for (const auto& rendition : renditions) {
    if (rendition.video_id == video.video_id()) *encode.add_renditions() = rendition.rendition;
  }
  return encode;
}

v1::Encode Load(pqxx::transaction_base& tx, const std::string& id) {
  return Show(*LoadVideoRow(tx, id, Lock::kNone), LoadRenditionRows(tx, {id}));
}

StatusOr<VideoRow> LoadVideo(pqxx::transaction_base& tx, const std::string& tenant, const std::string& video_id, Lock lock) {
  auto row = IsId(video_id) ? LoadVideoRow(tx, video_id, lock) : std::nullopt;
  if (!IsVisible(row) || row->video.tenant() != tenant) return NotFound("no video " + (IsId(video_id) ? video_id : "with this id"));
  return *std::move(row);
}

}  // namespace

StatusOr<BegunEncode> EncodeRepo::Begin(const std::string& tenant, const v1::EncodeVideoRequest& request) {
  BegunEncode result;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    result = {};
    VORA_ASSIGN_OR_RETURN(const VideoRow video, LoadVideo(tx, tenant, request.video_id(), Lock::kForUpdate));
    VORA_ASSIGN_OR_RETURN(const std::string ladder, LadderOfNewVideo(tx, tenant, request.ladder()));
    const pqxx::result open = tx.exec_params(kOpenEncode, request.video_id(), ladder);
    if (!open.empty()) {
      if (!open[0]["same"].as<bool>()) return FailedPrecondition("another encode of the video is under way; cancel it, or wait for it");
      result.encode = Load(tx, open[0]["video_id"].c_str());
      return absl::OkStatus();
    }
    if (!IsFinal(video.video.state())) {
      return FailedPrecondition("the video is " + std::string(StateName(video.video.state())) + "; encode it anew when it is done");
    }
    if (video.import && video.import->pending) return FailedPrecondition("the file of the video was never brought in; retry the video");
    const int revision = tx.exec_params1(kNextRevision, request.video_id())["revision"].as<int>();
    const std::string id = NewId();
    tx.exec_params(kInsertEncode, request.video_id(), id, layout::RevisionPrefix(request.video_id(), revision),
                   obs::CurrentTrace().ToTraceparent(), ladder, revision);
    VORA_RETURN_IF_ERROR(AddStart(tx, *LoadVideoRow(tx, id, Lock::kForUpdate)));
    result = {Load(tx, id), true};
    return absl::OkStatus();
  }));
  if (result.begun) store_.OutboxAdded();
  return result;
}

StatusOr<v1::ListEncodesResponse> EncodeRepo::List(const std::string& tenant, const std::string& video_id) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<v1::ListEncodesResponse> {
    VORA_RETURN_IF_ERROR(LoadVideo(tx, tenant, video_id, Lock::kNone).status());
    std::vector<VideoRow> rows;
    std::vector<std::string> ids;
    for (const auto& row : tx.exec_params(std::string("SELECT ") + kVideoColumns + kEncodesOf, video_id)) {
      rows.push_back(ReadVideoRow(row));
      ids.push_back(rows.back().video.video_id());
    }
    const auto renditions = LoadRenditionRows(tx, ids);
    v1::ListEncodesResponse response;
    for (const VideoRow& row : rows) *response.add_encodes() = Show(row, renditions);
    return response;
  });
}

StatusOr<v1::Encode> EncodeRepo::Cancel(const std::string& tenant, const v1::CancelEncodeRequest& request) {
  v1::Encode encode;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    VORA_RETURN_IF_ERROR(LoadVideo(tx, tenant, request.video_id(), Lock::kNone).status());
    const pqxx::result found = tx.exec_params(kOneEncode, request.video_id(), request.revision());
    if (found.empty()) return NotFound("the video has no encode " + std::to_string(request.revision()));
    auto row = LoadVideoRow(tx, found[0]["video_id"].c_str(), Lock::kForUpdate);
    if (IsFinal(row->video.state())) {
      return FailedPrecondition("the encode is " + std::string(StateName(row->video.state())) + "; there is nothing to cancel");
    }
    VORA_RETURN_IF_ERROR(CancelProcessing(tx, *row));
    encode = Load(tx, row->video.video_id());
    return absl::OkStatus();
  }));
  store_.OutboxAdded();
  return encode;
}

StatusOr<std::string> EncodeRepo::OpenRun(const std::string& video_id) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::string> {
    const pqxx::result open = tx.exec_params(kOpenEncode, video_id, "null");
    return std::string(open.empty() ? "" : open[0]["video_id"].c_str());
  });
}

Status EncodeRepo::MendOlder() {
  std::vector<std::string> adopted;
  int ended = 0;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    adopted.clear();
    for (const auto& due : tx.exec(kUnadopted)) {
      const auto row = LoadVideoRow(tx, due["video_id"].c_str(), Lock::kForUpdate);
      VORA_RETURN_IF_ERROR(AdoptEncode(tx, *row, grace_));
      adopted.push_back(row->encode_of);
    }
    const pqxx::result orphans = tx.exec(kOrphans);
    for (const auto& orphan : orphans) EndEncodes(tx, orphan[0].c_str());
    ended = static_cast<int>(orphans.size());
    return absl::OkStatus();
  }));
  for (const std::string& id : adopted) store_.VideoChanged(id);
  if (ended > 0) store_.OutboxAdded();
  return absl::OkStatus();
}

StatusOr<int> EncodeRepo::DropReplaced() {
  VORA_ASSIGN_OR_RETURN(const int dropped, store_.Transact([&](pqxx::work& tx) -> StatusOr<int> {
    int count = 0;
    for (const auto& due : tx.exec(kToDrop)) {
      const auto row = LoadVideoRow(tx, due["video_id"].c_str(), Lock::kNone);
      workflow::v1::DeleteVideoInput objects = AllOf(*row);
      if (row->video.state() == v1::VIDEO_STATE_READY) {
        objects.Clear();
        VORA_RETURN_IF_ERROR(workflow::FromPayload(due["replaced"].c_str(), objects));
      }
      AddDelete(tx, *row, std::move(objects));
      tx.exec_params(kDropped, row->video.video_id());
      ++count;
    }
    return count;
  }));
  if (dropped > 0) store_.OutboxAdded();
  return dropped;
}

}  // namespace vora::metadata
