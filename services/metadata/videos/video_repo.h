#pragma once

// Videos in PostgreSQL: what people do with them. Thread-safe. Every method: UNAVAILABLE while the database is away.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/labels.h"
#include "libs/core/status.h"
#include "services/metadata/videos/page_token.h"
#include "vora/media/v1/media.pb.h"
#include "vora/metadata/v1/metadata.pb.h"

namespace pqxx {
class nontransaction;
class result;
}  // namespace pqxx

namespace vora::metadata {

class Store;

struct NewVideo {
  std::string tenant, upload_id, source_key;
  std::string title;
  bool title_given = false;  // by a person: wins over one derived from the file name, whoever came first
  std::string description, filename, traceparent;
  int64_t source_bytes = 0;
  std::optional<int> priority;
  std::string external_id = {};
  Labels labels = {};
  std::string ladder = {};    // by name; empty: the tenant's default
  bool else_default = false;  // there is nobody to tell that there is no such ladder: the default one then, and a warning
};

// What people change of a video; absent: left as it is.
struct VideoChange {
  std::optional<std::string> title = {}, description = {}, external_id = {};
  std::optional<Labels> labels = {};  // all of them
};

struct CreatedVideo {
  v1::Video video;
  bool created = false;  // false: it existed
  bool deleted = false;  // the upload's video existed and was deleted: `video` is empty
};

struct VideoPage {
  std::vector<v1::Video> videos;
  std::string next_page_token;
};

// A video's newest version, as a change feed sees it.
struct VideoVersion {
  std::string video_id;
  int64_t version = 0;
  std::string tenant = {};
};

class VideoRepo {
 public:
  // `public_url` without trailing slash: the edge, in links.
  VideoRepo(Store& store, std::string public_url) : store_(store), public_url_(std::move(public_url)) {}

  // Who has to be told that an external_id is taken: whoever asked for the video. Of an upload that is finished there is nobody left to
  // ask.
  enum class IfTaken { kRefuse, kWarn };
  // Video and outbox row in one transaction; unique per upload_id. When another video has the external_id: ALREADY_EXISTS, or a warning
  // that is shown with the video, which then has none. For ladders that are not there see NewVideo. FAILED_PRECONDITION naming `ladder`:
  // the video is there, and encoded with another one.
  StatusOr<CreatedVideo> Create(const NewVideo& video, IfTaken if_taken = IfTaken::kWarn);
  // NOT_FOUND: no such video, or deleted.
  StatusOr<v1::Video> Get(const std::string& tenant, const std::string& video_id);
  // Of any tenant, for the change feed.
  StatusOr<v1::Video> GetAny(const std::string& video_id);
  // Whose the video is, or was before it was deleted. NOT_FOUND: there never was such a video.
  StatusOr<std::string> TenantOf(const std::string& video_id);
  StatusOr<VideoPage> List(const ListFilter& filter, int page_size, const std::string& page_token);
  // ALREADY_EXISTS: another video has the external_id.
  StatusOr<v1::Video> Update(const std::string& tenant, const std::string& video_id, const VideoChange& change);
  // Out of view at once; the outbox sees to the workflow and the objects. Repeating it is no error.
  Status Delete(const std::string& tenant, const std::string& video_id);
  // A video not started yet is CANCELLED at once, a running one when its workflow confirms. FAILED_PRECONDITION in a final state.
  StatusOr<v1::Video> Cancel(const std::string& tenant, const std::string& video_id);
  // With which the next run begins; one that is open has to be told.
  StatusOr<v1::Video> SetPriority(const std::string& tenant, const std::string& video_id, int priority);
  // What was found in the file. FAILED_PRECONDITION: it is not probed yet.
  StatusOr<media::v1::MediaInfo> MediaOf(const std::string& tenant, const std::string& video_id);
  // FAILED_PRECONDITION when there is nothing to retry.
  StatusOr<v1::Video> Retry(const std::string& tenant, const std::string& video_id);

  // Changes with version > `after`, oldest first, at most `limit`; deleted ones too.
  StatusOr<std::vector<VideoVersion>> ChangesAfter(int64_t after, int limit);
  // The same of one tenant, and before them up to `repeated` of its changes up to `after`: of changes made at the same time
  // one with a lower version can be committed later.
  StatusOr<std::vector<VideoVersion>> ChangesOfTenant(const std::string& tenant, int64_t after, int repeated, int limit);
  StatusOr<int64_t> NewestVersion();
  // Videos per state name, deleted ones left out; every state is there.
  StatusOr<std::map<std::string, int64_t>> CountByState();

 private:
  StatusOr<std::vector<VideoVersion>> ReadVersions(const std::function<pqxx::result(pqxx::nontransaction&)>& query);

  Store& store_;
  const std::string public_url_;
};

}  // namespace vora::metadata
