#include "services/metadata/imports/import_repo.h"

#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "services/metadata/imports/import_rows_internal.h"
#include "services/metadata/rows/ladder_rows_internal.h"
#include "services/metadata/rows/outbox_rows_internal.h"
#include "services/metadata/rows/store.h"
#include "services/metadata/rows/subscription_rows_internal.h"
#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {
namespace {

// What holds of an upload's id holds of the video's own here: its raw folder is named by it.
constexpr char kInsertImport[] = R"(
    INSERT INTO videos (video_id, tenant, upload_id, title, title_given, description, filename, state, source_key, source_bytes,
    object_prefix, traceparent, priority, labels, origin_source, origin_key, origin_url, origin_version, origin_copy, import_state, request_key,
    ladder)
    VALUES ($1, $2, $1, $3, $4, $5, $6, 'CREATED', '', $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'PENDING', $17, $18::jsonb)
    ON CONFLICT DO NOTHING)";
constexpr char kOfRequestKey[] = R"(
    SELECT video_id, origin_source = $3 AND origin_key = $4 AND origin_url = $5 AS same FROM videos
    WHERE video_id IN (SELECT video_id FROM videos WHERE tenant = $1 AND request_key = $2 AND request_key <> ''
    UNION ALL SELECT video_id FROM attached_requests WHERE tenant = $1 AND request_key = $2))";
constexpr char kAttachRequest[] =
    "INSERT INTO attached_requests (tenant, request_key, video_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
constexpr char kOfExternalId[] = R"(
    SELECT video_id FROM videos WHERE tenant = $1 AND external_id = $2 AND $2 <> '' AND deleted_at IS NULL
    AND origin_source = $3 AND origin_key = $4 AND origin_url = $5 AND import_state <> '')";
// One whose file is still to be brought in will have the newest version. What was deleted counts for what comes by itself.
constexpr char kOfOrigin[] = R"(
    SELECT video_id FROM videos WHERE tenant = $1 AND origin_source = $2 AND origin_key = $3 AND origin_source <> ''
    AND (deleted_at IS NULL OR $5) AND (origin_version = $4
    OR (import_state = 'PENDING' AND state NOT IN ('FAILED', 'CANCELLED') AND deleted_at IS NULL)) ORDER BY deleted_at IS NOT NULL LIMIT 1)";

// Of a file that was registered before, by a scan, say, or by its bucket.
Status AddWhatIsSaid(pqxx::transaction_base& tx, const VideoRow& row, const NewImport& import) {
  if (!import.ladder.empty() && !import.else_default && import.ladder != row.video.ladder()) {
    return WithDetail(FailedPrecondition("ladder: the video of this file, " + row.video.video_id() + ", is encoded with " +
                                         row.video.ladder() + " already; encode it anew with " + import.ladder),
                      {.field = "ladder"});
  }
  VORA_RETURN_IF_ERROR(
      AddTexts(tx, row, {import.title_given ? std::optional(import.title) : std::nullopt, import.description, import.labels}));
  const std::string& has = row.video.external_id();
  if (import.external_id.empty() || import.external_id == has) return absl::OkStatus();
  if (!has.empty()) {
    return WithDetail(AlreadyExists("external_id: the video of this file, " + row.video.video_id() + ", has another one"),
                      {.field = std::string(kExternalIdKey)});
  }
  return SetExternalId(tx, row, import.external_id);
}

// What a request is given: the video that was found or made for it, its row locked. Nothing but `deleted` of one that was deleted.
Status GiveVideo(pqxx::transaction_base& tx, const VideoRow& row, const NewImport& import, const std::string& public_url,
                 CreatedVideo& result) {
  result.deleted = row.deleted;
  if (row.deleted) return absl::OkStatus();
  const std::string& id = row.video.video_id();
  if (import.recipient) {
    VORA_ASSIGN_OR_RETURN(const std::string subscription, FindOrSubscribe(tx, import.tenant, import.recipient->subscription));
    VORA_RETURN_IF_ERROR(AddRecipient(tx, subscription, id, import.recipient->text));
  }
  result.video = Assemble(*LoadVideoRow(tx, id, Lock::kNone), LoadRenditionRows(tx, {id}), public_url);
  return absl::OkStatus();
}

std::string FirstOf(const pqxx::result& rows) { return rows.empty() ? "" : rows[0][0].c_str(); }

}  // namespace

StatusOr<std::string> FindRequest(pqxx::transaction_base& tx, const NewImport& import) {
  if (import.request_key.empty()) return std::string();
  const auto found = tx.exec_params(kOfRequestKey, import.tenant, import.request_key, import.source, import.key, import.url);
  if (found.empty()) return std::string();
  if (found[0]["same"].as<bool>()) return std::string(found[0]["video_id"].c_str());
  return MakeError(errors::kIdempotencyKeyReused, "request_id: it was given to the import of another file; give each request its own",
                   {.field = "request_id"});
}

StatusOr<KnownImport> FindImport(pqxx::transaction_base& tx, const NewImport& import) {
  KnownImport known;
  VORA_ASSIGN_OR_RETURN(known.id, FindRequest(tx, import));
  known.same_request = !known.id.empty();
  if (!known.id.empty()) return known;
  known.id = FirstOf(tx.exec_params(kOfExternalId, import.tenant, import.external_id, import.source, import.key, import.url));
  if (!known.id.empty()) return known;
  known.id = FirstOf(tx.exec_params(kOfOrigin, import.tenant, import.source, import.key, import.version, import.by_itself));
  return known;
}

StatusOr<std::string> AddImport(pqxx::transaction_base& tx, const NewImport& import) {
  const std::string id = NewId();
  auto ladder = LadderOfNewVideo(tx, import.tenant, import.ladder);
  const Status no_ladder = ladder.status();
  if (!ladder.ok() && import.else_default) ladder = LadderOfNewVideo(tx, import.tenant, "");
  VORA_RETURN_IF_ERROR(ladder.status());
  const auto inserted = tx.exec_params(kInsertImport, id, import.tenant, import.title, import.title_given, import.description,
                                       import.filename, import.source_bytes, layout::ObjectPrefix(id), import.traceparent,
                                       import.priority.value_or(0), LabelsJson(import.labels), import.source, import.key, import.url,
                                       import.version, import.copy, import.request_key, *ladder);
  if (inserted.affected_rows() == 0) return std::string();
  if (!no_ladder.ok()) Warn(tx, id, kLadderKey, Message(no_ladder) + "; encoded with the default");
  const auto row = LoadVideoRow(tx, id, Lock::kForUpdate);
  VORA_RETURN_IF_ERROR(SetExternalId(tx, *row, import.external_id));
  VORA_RETURN_IF_ERROR(AddStart(tx, *row));
  return id;
}

Status ImportRepo::TryCreate(const NewImport& import, CreatedVideo& result) {
  return store_.Transact([&](pqxx::work& tx) -> Status {
    result = {};
    VORA_ASSIGN_OR_RETURN(KnownImport known, FindImport(tx, import));
    std::string id = known.id;
    if (id.empty()) {
      VORA_ASSIGN_OR_RETURN(id, AddImport(tx, import));
      result.created = !id.empty();
    }
    if (id.empty()) {
      // Another request for the same made it in between.
      VORA_ASSIGN_OR_RETURN(known, FindImport(tx, import));
      id = known.id;
    }
    if (id.empty()) return Unavailable("the video of this file is being deleted; try again in a moment");
    const auto row = LoadVideoRow(tx, id, Lock::kForUpdate);
    // The same request again says nothing new, and what was changed since stays.
    if (!result.created && !known.same_request && !row->deleted) {
      VORA_RETURN_IF_ERROR(AddWhatIsSaid(tx, *row, import));
      if (!import.request_key.empty()) tx.exec_params(kAttachRequest, import.tenant, import.request_key, id);
    }
    return GiveVideo(tx, *row, import, public_url_, result);
  });
}

StatusOr<CreatedVideo> ImportRepo::Create(const NewImport& import) {
  CreatedVideo result;
  Status created = TryCreate(import, result);
  // Whoever took the external_id between the look for it and the insert has it for the same file, perhaps: then it is found now.
  if (created.code() == StatusCode::kAlreadyExists) created = TryCreate(import, result);
  VORA_RETURN_IF_ERROR(created);
  if (result.created) store_.OutboxAdded();
  if (!result.deleted) store_.VideoChanged(result.video.video_id());
  return result;
}

StatusOr<std::optional<CreatedVideo>> ImportRepo::Replay(const NewImport& import) {
  if (import.request_key.empty()) return std::optional<CreatedVideo>();
  return store_.Transact([&](pqxx::work& tx) -> StatusOr<std::optional<CreatedVideo>> {
    VORA_ASSIGN_OR_RETURN(const std::string id, FindRequest(tx, import));
    if (id.empty()) return std::optional<CreatedVideo>();
    CreatedVideo result;
    VORA_RETURN_IF_ERROR(GiveVideo(tx, *LoadVideoRow(tx, id, Lock::kForUpdate), import, public_url_, result));
    return std::optional(std::move(result));
  });
}

}  // namespace vora::metadata
