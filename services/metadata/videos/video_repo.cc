#include "services/metadata/videos/video_repo.h"

#include <map>

#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "libs/workflow/definition/payload.h"
#include "services/metadata/rows/encode_rows_internal.h"
#include "services/metadata/rows/ladder_rows_internal.h"
#include "services/metadata/rows/outbox_rows_internal.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {
namespace {

// The ladder is copied, so that all runs of the video encode with it, whatever becomes of it. Of two announcements at once the second
// waits for the first, inserts nothing, and under READ COMMITTED sees its row in the next statement.
constexpr char kInsertVideo[] = R"(
    INSERT INTO videos (video_id, tenant, upload_id, title, title_given, description, filename, state, source_key, source_bytes,
    object_prefix, traceparent, priority, labels, ladder)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 'CREATED', $8, $9, $10, $11, $12, $13, $14::jsonb) ON CONFLICT (upload_id) DO NOTHING)";
constexpr char kIdOfUpload[] = "SELECT video_id FROM videos WHERE upload_id = $1";
// Ids are UUIDv7: their order is that of time, and the last id of a page is all that the next one needs.
constexpr char kWhere[] = R"(
    FROM videos v WHERE v.tenant = $1 AND v.deleted_at IS NULL AND v.encode_of = '' AND ($2 = '' OR v.state = $2) AND ($3 = '' OR v.video_id < $3)
    AND ($4 = '' OR v.title ILIKE $4 OR v.filename ILIKE $4) AND ($5 = '' OR v.external_id = $5) AND ($6 = '{}' OR v.labels @> $6::jsonb)
    ORDER BY v.video_id DESC LIMIT $7)";
// Also of the encode of it that is under way.
constexpr char kSetPriority[] = R"(
    UPDATE videos SET priority = $2, version = nextval('video_versions'), updated_at = now() WHERE priority <> $2 AND (video_id = $1
    OR video_id IN (SELECT video_id FROM open_encodes WHERE encode_of = $1)))";
constexpr char kDelete[] =
    "UPDATE videos SET deleted_at = now(), version = nextval('video_versions'), updated_at = now() WHERE video_id = $1";
constexpr char kDeleteRenditions[] = "DELETE FROM renditions WHERE video_id = $1";
// The run before is remembered, so that what it still reports has no effect and its end is waited for.
constexpr char kRestart[] = R"(
    UPDATE videos SET run_number = run_number + 1, last_run_id = CASE WHEN run_id <> '' THEN run_id ELSE last_run_id END, run_id = '',
    cancel_requested = false, failure_code = '', failure = '', ready_at = NULL WHERE video_id = $1 RETURNING run_number)";
// Progress may go back here: what was in flight when the run ended is encoded anew.
constexpr char kRestartRenditions[] = R"(
    UPDATE renditions SET attempts = '{}', retries = 0, failure_code = '', failure = '',
    progress_percent = CASE WHEN segments_total > 0 THEN least(99, 100 * segments_done / segments_total) ELSE 0 END
    WHERE video_id = $1 AND state <> 'DONE')";
constexpr char kChangesAfter[] =
    "SELECT video_id, version, tenant FROM videos WHERE version > $1 AND encode_of = '' ORDER BY version LIMIT $2";
constexpr char kChangesOfTenant[] = R"(
    SELECT video_id, version, tenant FROM videos
    WHERE tenant = $1 AND encode_of = '' AND version > COALESCE((
        SELECT min(version) - 1 FROM (
            SELECT version FROM videos WHERE tenant = $1 AND encode_of = '' AND version <= $2 ORDER BY version DESC LIMIT $3) AS repeated), $2)
    ORDER BY version LIMIT $4)";
constexpr char kTenantOf[] = "SELECT tenant FROM videos WHERE video_id = $1";
constexpr char kNewestVersion[] = "SELECT coalesce(max(version), 0) AS version FROM videos";
constexpr char kCountByState[] = "SELECT state, count(*) AS videos FROM videos WHERE deleted_at IS NULL AND encode_of = '' GROUP BY state";

Status NoSuchVideo(const std::string& video_id) { return NotFound("no video " + (IsId(video_id) ? video_id : "with this id")); }

// The query is taken literally: its wildcards are those of LIKE.
std::string LikePattern(const std::string& query) {
  if (query.empty()) return {};
  std::string pattern = "%";
  for (char c : query) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

// The row locked, or NOT_FOUND.
StatusOr<VideoRow> LockVisible(pqxx::work& tx, const std::string& tenant, const std::string& video_id) {
  auto row = LoadVideoRow(tx, video_id, Lock::kForUpdate);
  if (!IsVisible(row) || row->video.tenant() != tenant) return NoSuchVideo(video_id);
  return *row;
}

v1::Video Reload(pqxx::transaction_base& tx, const std::string& video_id, const std::string& public_url) {
  return Assemble(*LoadVideoRow(tx, video_id, Lock::kNone), LoadRenditionRows(tx, {video_id}), public_url);
}

bool HasFailedRendition(const std::vector<RenditionRow>& renditions) {
  for (const auto& row : renditions) {
    if (row.rendition.state() == v1::RENDITION_STATE_FAILED) return true;
  }
  return false;
}

Status RestartRenditions(pqxx::work& tx, std::vector<RenditionRow>& renditions) {
  for (RenditionRow& row : renditions) {
    if (row.rendition.state() == v1::RENDITION_STATE_DONE) continue;
    VORA_RETURN_IF_ERROR(MoveRendition(tx, row, v1::RENDITION_STATE_PENDING).status());
    // FAILED leads to PENDING only, so a rendition that has segments takes both steps.
    if (row.rendition.segments_done() > 0) {
      VORA_RETURN_IF_ERROR(MoveRendition(tx, row, v1::RENDITION_STATE_PROCESSING).status());
    }
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<CreatedVideo> VideoRepo::Create(const NewVideo& video, IfTaken if_taken) {
  const std::string new_id = NewId();
  CreatedVideo result;
  const Status status = store_.Transact([&](pqxx::work& tx) -> Status {
    result = {};
    auto ladder = LadderOfNewVideo(tx, video.tenant, video.ladder);
    const Status no_ladder = ladder.status();
    if (!ladder.ok() && video.else_default) ladder = LadderOfNewVideo(tx, video.tenant, "");
    VORA_RETURN_IF_ERROR(ladder.status());
    const auto inserted =
        tx.exec_params(kInsertVideo, new_id, video.tenant, video.upload_id, video.title, video.title_given, video.description,
                       video.filename, video.source_key, video.source_bytes, layout::ObjectPrefix(new_id), video.traceparent,
                       video.priority.value_or(0), LabelsJson(video.labels), *ladder);
    result.created = inserted.affected_rows() == 1;
    const pqxx::result found = tx.exec_params(kIdOfUpload, video.upload_id);
    const std::string id = found[0]["video_id"].c_str();
    auto row = LoadVideoRow(tx, id, Lock::kForUpdate);
    if (row->video.tenant() != video.tenant) return NotFound("no upload " + video.upload_id);
    if (row->deleted) {
      result.deleted = true;
      return absl::OkStatus();
    }
    if (!video.external_id.empty()) {
      const Status set = SetExternalId(tx, *row, video.external_id);
      if (!set.ok() && if_taken == IfTaken::kRefuse) return set;
      if (!set.ok()) Warn(tx, id, kExternalIdKey, Message(set) + "; this one has none");
    }
    const bool as_asked = result.created || video.else_default || video.ladder.empty() || video.ladder == row->video.ladder();
    if (!as_asked) {
      return WithDetail(FailedPrecondition("ladder: the video " + id + " is encoded with " + row->video.ladder() +
                                           " already; encode it anew with " + video.ladder),
                        {.field = "ladder"});
    }
    if (result.created && !no_ladder.ok()) Warn(tx, id, kLadderKey, Message(no_ladder) + "; encoded with the default");
    if (result.created) {
      VORA_RETURN_IF_ERROR(AddStart(tx, *row));
    } else {
      VORA_RETURN_IF_ERROR(
          AddTexts(tx, *row, {video.title_given ? std::optional(video.title) : std::nullopt, video.description, video.labels}));
    }
    if (!result.created && video.priority) tx.exec_params(kSetPriority, id, *video.priority);
    result.video = Reload(tx, id, public_url_);
    return absl::OkStatus();
  });
  VORA_RETURN_IF_ERROR(status);
  if (result.created) store_.OutboxAdded();
  if (!result.deleted) store_.VideoChanged(result.video.video_id());
  return result;
}

StatusOr<v1::Video> VideoRepo::Get(const std::string& tenant, const std::string& video_id) {
  VORA_ASSIGN_OR_RETURN(v1::Video video, GetAny(video_id));
  if (video.tenant() != tenant) return NoSuchVideo(video_id);
  return video;
}

StatusOr<v1::Video> VideoRepo::GetAny(const std::string& video_id) {
  if (!IsId(video_id)) return NoSuchVideo(video_id);
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<v1::Video> {
    const auto row = LoadVideoRow(tx, video_id, Lock::kNone);
    if (!IsVisible(row)) return NoSuchVideo(video_id);
    return Assemble(*row, LoadRenditionRows(tx, {video_id}), public_url_);
  });
}

StatusOr<media::v1::MediaInfo> VideoRepo::MediaOf(const std::string& tenant, const std::string& video_id) {
  if (!IsId(video_id)) return NoSuchVideo(video_id);
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<media::v1::MediaInfo> {
    const auto row = LoadVideoRow(tx, video_id, Lock::kNone);
    if (!IsVisible(row) || row->video.tenant() != tenant) return NoSuchVideo(video_id);
    if (!row->has_media) return FailedPrecondition("the file of the video is not looked at yet; try again in a moment");
    media::v1::MediaInfo media;
    VORA_RETURN_IF_ERROR(workflow::FromPayload(row->media, media));
    return media;
  });
}

StatusOr<VideoPage> VideoRepo::List(const ListFilter& filter, int page_size, const std::string& page_token) {
  VORA_ASSIGN_OR_RETURN(const std::string after, ParsePageToken(filter, page_token));
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<VideoPage> {
    VideoPage page;
    const auto rows = tx.exec_params(std::string("SELECT ") + kVideoColumns + kWhere, filter.tenant, filter.state, after,
                                     LikePattern(filter.query), filter.external_id, LabelsJson(filter.labels), page_size + 1);
    std::vector<VideoRow> videos;
    std::vector<std::string> ids;
    for (const auto& row : rows) {
      if (static_cast<int>(videos.size()) == page_size) {
        page.next_page_token = MakePageToken(filter, ids.back());
        break;
      }
      videos.push_back(ReadVideoRow(row));
      ids.push_back(videos.back().video.video_id());
    }
    std::map<std::string, std::vector<RenditionRow>> renditions;
    for (auto& row : LoadRenditionRows(tx, ids)) renditions[row.video_id].push_back(row);
    for (const VideoRow& video : videos) page.videos.push_back(Assemble(video, renditions[video.video.video_id()], public_url_));
    return page;
  });
}

StatusOr<v1::Video> VideoRepo::Update(const std::string& tenant, const std::string& video_id, const VideoChange& change) {
  v1::Video video;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    VORA_ASSIGN_OR_RETURN(const VideoRow row, LockVisible(tx, tenant, video_id));
    if (change.external_id) VORA_RETURN_IF_ERROR(SetExternalId(tx, row, *change.external_id));
    VideoTexts texts = TextsOf(row);
    if (change.title) texts.title = *change.title;
    texts.title_given |= change.title.has_value();
    if (change.description) texts.description = *change.description;
    if (change.labels) texts.labels = *change.labels;
    SetTexts(tx, row, texts);
    video = Reload(tx, video_id, public_url_);
    return absl::OkStatus();
  }));
  store_.VideoChanged(video_id);
  return video;
}

StatusOr<v1::Video> VideoRepo::SetPriority(const std::string& tenant, const std::string& video_id, int priority) {
  v1::Video video;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    VORA_RETURN_IF_ERROR(LockVisible(tx, tenant, video_id).status());
    tx.exec_params(kSetPriority, video_id, priority);
    video = Reload(tx, video_id, public_url_);
    return absl::OkStatus();
  }));
  store_.VideoChanged(video_id);
  return video;
}

Status VideoRepo::Delete(const std::string& tenant, const std::string& video_id) {
  const Status status = store_.Transact([&](pqxx::work& tx) -> Status {
    const auto row = LoadVideoRow(tx, video_id, Lock::kForUpdate);
    if (!row || row->video.tenant() != tenant || !row->encode_of.empty()) return NoSuchVideo(video_id);
    if (row->deleted) return absl::OkStatus();
    EndEncodes(tx, video_id);
    const bool underway = WithdrawStarts(tx, video_id);
    // The cancel before the deletion: rows go out in this order, so that no activity writes objects when they are being deleted.
    if (underway || !IsFinal(row->video.state())) AddCancel(tx, *row);
    AddDelete(tx, *row);
    // The segments go with them. The video's row stays, so that late reports and a repeated announcement find that it is gone.
    tx.exec_params(kDeleteRenditions, video_id);
    tx.exec_params(kDelete, video_id);
    return absl::OkStatus();
  });
  VORA_RETURN_IF_ERROR(status);
  store_.OutboxAdded();
  store_.VideoChanged(video_id);
  return absl::OkStatus();
}

StatusOr<v1::Video> VideoRepo::Cancel(const std::string& tenant, const std::string& video_id) {
  v1::Video video;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    VORA_ASSIGN_OR_RETURN(VideoRow row, LockVisible(tx, tenant, video_id));
    if (IsFinal(row.video.state())) {
      return FailedPrecondition("the video is " + std::string(StateName(row.video.state())) + "; there is nothing to cancel");
    }
    VORA_RETURN_IF_ERROR(CancelProcessing(tx, row));
    video = Reload(tx, video_id, public_url_);
    return absl::OkStatus();
  }));
  store_.OutboxAdded();
  store_.VideoChanged(video_id);
  return video;
}

StatusOr<v1::Video> VideoRepo::Retry(const std::string& tenant, const std::string& video_id) {
  v1::Video video;
  VORA_RETURN_IF_ERROR(store_.Transact([&](pqxx::work& tx) -> Status {
    VORA_ASSIGN_OR_RETURN(VideoRow row, LockVisible(tx, tenant, video_id));
    std::vector<RenditionRow> renditions = LoadRenditionRows(tx, {video_id});
    const bool ready_in_part = row.video.state() == v1::VIDEO_STATE_READY && HasFailedRendition(renditions);
    if (row.video.state() != v1::VIDEO_STATE_FAILED && row.video.state() != v1::VIDEO_STATE_CANCELLED && !ready_in_part) {
      return FailedPrecondition("the video is " + std::string(StateName(row.video.state())) +
                                " and nothing of it failed; there is nothing to retry");
    }
    if (HasOpenEncode(tx, video_id)) return FailedPrecondition("the video is being encoded anew; cancel that, or wait for it");
    // A video that has segments goes on to PARTIALLY_READY in RefreshVideo, in the same transaction.
    VORA_RETURN_IF_ERROR(MoveVideo(tx, row, v1::VIDEO_STATE_PROCESSING).status());
    row.run_number = tx.exec_params1(kRestart, video_id)["run_number"].as<int>();
    VORA_RETURN_IF_ERROR(RestartRenditions(tx, renditions));
    tx.exec_params(kRestartRenditions, video_id);
    VORA_RETURN_IF_ERROR(RefreshVideo(tx, row, Progress::kRestart));
    VORA_RETURN_IF_ERROR(AddStart(tx, row));
    video = Reload(tx, video_id, public_url_);
    return absl::OkStatus();
  }));
  store_.OutboxAdded();
  store_.VideoChanged(video_id);
  return video;
}

StatusOr<std::string> VideoRepo::TenantOf(const std::string& video_id) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::string> {
    const pqxx::result found = tx.exec_params(kTenantOf, video_id);
    if (found.empty()) return NoSuchVideo(video_id);
    return std::string(found[0]["tenant"].c_str());
  });
}

StatusOr<std::vector<VideoVersion>> VideoRepo::ChangesAfter(int64_t after, int limit) {
  return ReadVersions([&](pqxx::nontransaction& tx) { return tx.exec_params(kChangesAfter, after, limit); });
}

StatusOr<std::vector<VideoVersion>> VideoRepo::ChangesOfTenant(const std::string& tenant, int64_t after, int repeated, int limit) {
  return ReadVersions([&](pqxx::nontransaction& tx) { return tx.exec_params(kChangesOfTenant, tenant, after, repeated, limit); });
}

StatusOr<std::vector<VideoVersion>> VideoRepo::ReadVersions(const std::function<pqxx::result(pqxx::nontransaction&)>& query) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<VideoVersion>> {
    std::vector<VideoVersion> changes;
    for (const auto& row : query(tx)) changes.push_back({row["video_id"].c_str(), row["version"].as<int64_t>(), row["tenant"].c_str()});
    return changes;
  });
}

StatusOr<int64_t> VideoRepo::NewestVersion() {
  return store_.Read(
      [&](pqxx::nontransaction& tx) -> StatusOr<int64_t> { return tx.exec_params1(kNewestVersion)["version"].as<int64_t>(); });
}

StatusOr<std::map<std::string, int64_t>> VideoRepo::CountByState() {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::map<std::string, int64_t>> {
    std::map<std::string, int64_t> counts;
    for (int state = v1::VIDEO_STATE_CREATED; state <= v1::VIDEO_STATE_CANCELLED; ++state) {
      counts[std::string(StateName(static_cast<v1::VideoState>(state)))] = 0;
    }
    for (const auto& row : tx.exec_params(kCountByState)) counts[row["state"].c_str()] = row["videos"].as<int64_t>();
    return counts;
  });
}

}  // namespace vora::metadata
