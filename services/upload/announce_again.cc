#include "services/upload/announce_again.h"

#include <string>
#include <string_view>

#include "libs/core/ids.h"
#include "libs/log/log.h"

namespace vora::upload {
namespace {

constexpr std::string_view kRawPrefix = "raw/";
constexpr std::string_view kStateName = "/state";

}  // namespace

StatusOr<int64_t> AnnounceAgain(UploadRepo& repo) {
  int64_t announced = 0;
  std::string token;
  do {
    VORA_ASSIGN_OR_RETURN(const storage::ListPage page, repo.store().List(std::string(kRawPrefix), token));
    for (const storage::ObjectInfo& object : page.objects) {
      if (!object.key.ends_with(kStateName)) continue;
      const std::string id = object.key.substr(kRawPrefix.size(), object.key.size() - kRawPrefix.size() - kStateName.size());
      if (!IsId(id)) continue;
      const auto upload = repo.Load(id);
      if (upload.status().code() == StatusCode::kNotFound) continue;
      if (upload.status().code() == StatusCode::kDataLoss) {
        log::Error("upload cannot be read", {{"upload_id", id}, {"error", ToText(upload.status())}});
        continue;
      }
      VORA_RETURN_IF_ERROR(upload.status());
      if (upload->doc.state != State::kUploaded) continue;
      VORA_RETURN_IF_ERROR(repo.store().Put(AnnounceKey(id), "", {}).status());
      ++announced;
    }
    token = page.next_token;
  } while (!token.empty());
  return announced;
}

}  // namespace vora::upload
