#pragma once

// Outbox rows written inside the transaction that decides them. Heavy (pqxx).

#include <string>

#include <pqxx/pqxx>

#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {

inline std::string VideoWorkflowId(const std::string& video_id) { return "video/" + video_id; }
inline std::string DeleteWorkflowId(const std::string& video_id) { return "delete/" + video_id; }

// Starts run `row.run_number` with what the database holds: ladder, and of a retry the media, segments and poster.
Status AddStart(pqxx::transaction_base& tx, const VideoRow& row);
void AddCancel(pqxx::transaction_base& tx, const VideoRow& row);
// All objects of the video.
void AddDelete(pqxx::transaction_base& tx, const VideoRow& row);
// What `input` names only.
void AddDelete(pqxx::transaction_base& tx, const VideoRow& row, workflow::v1::DeleteVideoInput input);
// Ends the processing of a video that is not in a final state: at once where it has not begun, else when its run confirms.
Status CancelProcessing(pqxx::transaction_base& tx, VideoRow& row);
// Takes back starts that were never tried. True when one may be on its way, so that a cancel must follow it.
bool WithdrawStarts(pqxx::transaction_base& tx, const std::string& video_id);

}  // namespace vora::metadata
