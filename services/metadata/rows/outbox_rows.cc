#include <map>

#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "libs/obs/trace.h"
#include "libs/workflow/definition/payload.h"
#include "services/metadata/rows/outbox_rows_internal.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::metadata {
namespace {

constexpr char kInsert[] =
    "INSERT INTO outbox (request_id, video_id, tenant, kind, run_number, payload, traceparent) VALUES ($1, $2, $3, $4, $5, $6, $7)";
constexpr char kRecipe[] = "SELECT ladder::text AS ladder, coalesce(media::text, '') AS media FROM videos WHERE video_id = $1";
// Runs of indices without a gap: within one of them index and place differ by the same.
constexpr char kDoneRanges[] = R"(
    SELECT rendition, min(idx), count(*) FROM (SELECT rendition, idx, idx - row_number() OVER (PARTITION BY rendition ORDER BY idx) AS run
    FROM segments WHERE video_id = $1) AS s GROUP BY rendition, run ORDER BY rendition, min(idx))";
// A claim raises `attempts` and commits before anything is sent: with 0 nobody was told of the start, and a claim that is under way is
// waited for and then seen.
constexpr char kWithdraw[] = R"(
    UPDATE outbox SET done_at = now(), last_error = 'withdrawn' WHERE video_id = $1 AND kind = 'start' AND done_at IS NULL AND attempts =
    0)";
constexpr char kStartsUnderway[] = "SELECT 1 FROM outbox WHERE video_id = $1 AND kind = 'start' AND done_at IS NULL LIMIT 1";

constexpr char kRequestCancel[] = "UPDATE videos SET cancel_requested = true WHERE video_id = $1";

// Open runs go on with the version that stands in their input, since other commands would not agree with their history.
constexpr int kPipelineVersion = 3;  // of ProcessVideo
constexpr int kWithImport = 4;

void Insert(pqxx::transaction_base& tx, const VideoRow& row, const char* kind, int run_number, const std::string& payload) {
  const v1::Video& video = row.video;
  tx.exec_params(kInsert, NewId(), video.video_id(), video.tenant(), kind, run_number, payload, row.traceparent);
}

}  // namespace

// The input is complete, and the run asks nobody later: a replay must see what the run began with.
Status AddStart(pqxx::transaction_base& tx, const VideoRow& row) {
  const std::string& id = row.video.video_id();
  workflow::v1::ProcessVideoInput input;
  input.set_video_id(id);
  input.set_tenant(row.video.tenant());
  input.set_source_key(row.source_key);
  input.set_object_prefix(row.object_prefix);
  // The ladder of the row, not the default of now: all runs of a video encode alike.
  const pqxx::row recipe = tx.exec_params1(kRecipe, id);
  VORA_RETURN_IF_ERROR(workflow::FromPayload(recipe["ladder"].c_str(), *input.mutable_ladder()));
  const std::string media = recipe["media"].c_str();
  if (!media.empty()) VORA_RETURN_IF_ERROR(workflow::FromPayload(media, *input.mutable_media()));
  media::v1::TrackRanges* track = nullptr;
  for (const auto& run : tx.exec_params(kDoneRanges, id)) {
    const std::string name = run[0].c_str();
    if (track == nullptr || track->track() != name) {
      track = input.add_done_ranges();
      track->set_track(name);
    }
    auto* range = track->add_ranges();
    range->set_first(run[1].as<int>());
    range->set_count(run[2].as<int>());
  }
  input.set_poster_done(!row.poster_key.empty());
  input.set_storyboard_done(row.parts.contains(kStoryboardPart));
  for (const auto& [name, key] : row.parts) input.add_parts_done(name);
  input.set_captions_done(row.captions_done);
  for (const auto& caption : row.captions) *input.add_captions() = caption;
  input.set_pipeline_version(kPipelineVersion);
  if (row.import && row.import->pending) {
    input.set_pipeline_version(kWithImport);
    auto& import = *input.mutable_import();
    import.mutable_origin()->set_source(row.import->source);
    import.mutable_origin()->set_key(row.import->key);
    import.mutable_origin()->set_url(row.import->url);
    import.set_copy(row.import->copy);
    import.set_copy_key(layout::OriginalKey(row.video.upload_id()));
  }
  Insert(tx, row, "start", row.run_number, workflow::ToPayload(input));
  return absl::OkStatus();
}

void AddCancel(pqxx::transaction_base& tx, const VideoRow& row) { Insert(tx, row, "cancel", 0, ""); }

void AddDelete(pqxx::transaction_base& tx, const VideoRow& row) {
  workflow::v1::DeleteVideoInput input;
  input.add_prefixes(layout::VideoFolder(row.video.video_id()));
  input.add_prefixes(layout::RawFolder(row.video.upload_id()));
  AddDelete(tx, row, std::move(input));
}

void AddDelete(pqxx::transaction_base& tx, const VideoRow& row, workflow::v1::DeleteVideoInput input) {
  input.set_video_id(row.video.video_id());
  Insert(tx, row, "delete", 0, workflow::ToPayload(input));
}

Status CancelProcessing(pqxx::transaction_base& tx, VideoRow& row) {
  const std::string& id = row.video.video_id();
  if (row.video.state() == v1::VIDEO_STATE_CREATED) {
    if (WithdrawStarts(tx, id)) AddCancel(tx, row);
    VORA_RETURN_IF_ERROR(MoveVideo(tx, row, v1::VIDEO_STATE_CANCELLED).status());
  } else if (!row.cancel_requested) {
    // A retry whose start was not tried yet has no run to confirm the cancel; one that is on its way gets it in order.
    const bool never_started = row.run_id.empty() && !WithdrawStarts(tx, id);
    if (never_started) {
      VORA_RETURN_IF_ERROR(FailOpenRenditions(tx, id, v1::RENDITION_STATE_PENDING));
      VORA_RETURN_IF_ERROR(MoveVideo(tx, row, v1::VIDEO_STATE_CANCELLED).status());
    } else {
      tx.exec_params(kRequestCancel, id);
      AddCancel(tx, row);
    }
  } else {
    return absl::OkStatus();
  }
  TouchVideo(tx, id);
  return absl::OkStatus();
}

bool WithdrawStarts(pqxx::transaction_base& tx, const std::string& video_id) {
  tx.exec_params(kWithdraw, video_id);
  return !tx.exec_params(kStartsUnderway, video_id).empty();
}

}  // namespace vora::metadata
