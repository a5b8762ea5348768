#pragma once

// Rows of videos and renditions inside a transaction: shared by the repositories. Heavy (pqxx).

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pqxx/pqxx>

#include "libs/core/labels.h"
#include "libs/core/status.h"
#include "services/metadata/rows/progress.h"
#include "services/metadata/rows/video_state.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::metadata {

// The part that is also the video's storyboard_url.
inline constexpr char kStoryboardPart[] = "storyboard";
// The part that a ladder asks for.
inline constexpr char kMp4Part[] = "mp4";

// Of a video that was not uploaded.
struct ImportRow {
  std::string source, key, url;
  bool copy = true;
  bool pending = false;  // the file is still to be brought in
  int percent = 0;
  std::string problem;
};

struct VideoRow {
  v1::Video video;  // without renditions and links
  std::string source_key, object_prefix, poster_key, run_id, last_run_id, traceparent;
  std::map<std::string, std::string> parts;  // from the name to the key of the object
  bool wants_mp4 = false;                    // by its ladder
  std::vector<media::v1::Caption> captions;
  bool captions_done = false;
  std::optional<ImportRow> import;
  int run_number = 1;
  bool cancel_requested = false;
  bool title_given = false;
  bool has_media = false;
  std::string media;      // MediaInfo as JSON, read by who shows it
  std::string encode_of;  // the video that this is a later encode of; empty: it is a video
  bool deleted = false;
};

struct RenditionRow {
  std::string video_id;
  std::string kind;
  v1::Rendition rendition;
  std::map<std::string, int> attempts;
};

enum class Lock { kNone, kForUpdate, kIfFree };  // kIfFree: a row that another transaction holds is not there

// From a column of Unix microseconds.
void SetTime(const pqxx::field& micros, google::protobuf::Timestamp* time);
// Columns of `videos v` that ReadVideoRow expects.
extern const char kVideoColumns[];
VideoRow ReadVideoRow(const pqxx::row& row);
// Deleted ones too: the caller looks at `deleted`.
std::optional<VideoRow> LoadVideoRow(pqxx::transaction_base& tx, const std::string& video_id, Lock lock);
// In plan order; of several videos, grouped by video.
std::vector<RenditionRow> LoadRenditionRows(pqxx::transaction_base& tx, const std::vector<std::string>& video_ids);

// Whether people see a video in it.
bool IsVisible(const std::optional<VideoRow>& row);
// The video that has changed for them when this row has.
const std::string& ShownId(const VideoRow& row);
RenditionView ViewOf(const RenditionRow& row);
// The video as clients see it.
v1::Video Assemble(const VideoRow& row, const std::vector<RenditionRow>& renditions, const std::string& public_url);

// Both check the transition table, write, and change the row given. True: changed.
StatusOr<bool> MoveVideo(pqxx::transaction_base& tx, VideoRow& row, v1::VideoState to);
StatusOr<bool> MoveRendition(pqxx::transaction_base& tx, RenditionRow& row, v1::RenditionState to);
// Moves every rendition that is not final: where they go when the video FAILED or was CANCELLED.
Status FailOpenRenditions(pqxx::transaction_base& tx, const std::string& video_id, v1::RenditionState to);
// What people say of a video.
struct VideoTexts {
  std::string title;
  bool title_given = false;  // by a person
  std::string description;
  Labels labels;
};
VideoTexts TextsOf(const VideoRow& row);
// A new version when title, description or labels are others than before.
void SetTexts(pqxx::transaction_base& tx, const VideoRow& row, const VideoTexts& texts);
// What a further request, or an announcement, says of a video that is there already. Nothing is taken away by it: a title that a person
// gave first stays, with its description, and labels are added.
struct FurtherTexts {
  std::optional<std::string> title;  // given by a person
  std::string description;
  Labels labels;
};
// INVALID_ARGUMENT naming `labels`: together there are too many.
Status AddTexts(pqxx::transaction_base& tx, const VideoRow& row, const FurtherTexts& further);
std::string LabelsJson(const Labels& labels);
// ALREADY_EXISTS naming external_id: another video of the tenant has it. An empty one takes it away.
Status SetExternalId(pqxx::transaction_base& tx, const VideoRow& row, const std::string& external_id);
// A warning that is shown with the video, one of each kind.
void Warn(pqxx::transaction_base& tx, const std::string& video_id, std::string_view about, const std::string& text);
// A new version and updated_at.
void TouchVideo(pqxx::transaction_base& tx, const std::string& video_id);

// Recomputes progress and whether it can play (then PROCESSING becomes PARTIALLY_READY), and gives the video a new version.
// `restart`: progress may go back, since a retry begins.
enum class Progress { kMonotonic, kRestart };
Status RefreshVideo(pqxx::transaction_base& tx, VideoRow& row, Progress progress = Progress::kMonotonic);

}  // namespace vora::metadata
