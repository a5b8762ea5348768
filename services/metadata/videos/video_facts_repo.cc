#include "services/metadata/videos/video_facts_repo.h"

#include "libs/core/ids.h"
#include "services/metadata/rows/store.h"

namespace vora::metadata {
namespace {

constexpr char kFacts[] = R"(
    SELECT video_id, title, duration_seconds, coalesce((ladder->>'segmentSeconds')::float8, 0) AS segment_seconds
    FROM videos WHERE tenant = $1 AND deleted_at IS NULL AND encode_of = '' AND video_id = ANY($2::text[]))";

constexpr char kNewestIds[] =
    "SELECT video_id FROM videos WHERE tenant = $1 AND deleted_at IS NULL AND encode_of = '' ORDER BY video_id DESC LIMIT $2";

}  // namespace

StatusOr<std::map<std::string, VideoFacts>> VideoFactsRepo::Find(const std::string& tenant, const std::vector<std::string>& video_ids) {
  std::string ids;
  for (const std::string& id : video_ids) {
    if (IsId(id)) ids += (ids.empty() ? "" : ",") + id;
  }
  if (ids.empty()) return std::map<std::string, VideoFacts>();
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::map<std::string, VideoFacts>> {
    std::map<std::string, VideoFacts> found;
    for (const auto& row : tx.exec_params(kFacts, tenant, "{" + ids + "}")) {
      found[row["video_id"].c_str()] = {row["title"].c_str(), row["duration_seconds"].as<double>(), row["segment_seconds"].as<double>()};
    }
    return found;
  });
}

StatusOr<std::vector<std::string>> VideoFactsRepo::NewestIds(const std::string& tenant, int limit) {
  return store_.Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<std::string>> {
    std::vector<std::string> ids;
    for (const auto& row : tx.exec_params(kNewestIds, tenant, limit)) ids.emplace_back(row["video_id"].c_str());
    return ids;
  });
}

StatusOr<VideoFacts> VideoFactsRepo::Get(const std::string& tenant, const std::string& video_id) {
  VORA_ASSIGN_OR_RETURN(const auto found, Find(tenant, {video_id}));
  const auto video = found.find(video_id);
  if (video == found.end()) return NotFound("no video " + (IsId(video_id) ? video_id : "with this id"));
  return video->second;
}

}  // namespace vora::metadata
