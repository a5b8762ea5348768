#include "services/upload/announce/announce_again.h"

#include <string>

#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "libs/log/log.h"

namespace vora::upload {
StatusOr<int64_t> AnnounceAgain(UploadRepo& repo) {
  int64_t announced = 0;
  std::string token;
  do {
    VORA_ASSIGN_OR_RETURN(const storage::ListPage page, repo.store().List(layout::kRawPrefix, token));
    for (const storage::ObjectInfo& object : page.objects) {
      const std::string id = layout::UploadOfStateKey(object.key).value_or("");
      if (!IsId(id)) continue;
      const auto upload = repo.Load(id);
      // Removed since it was listed.
      if (upload.status().code() == StatusCode::kNotFound) continue;
      if (upload.status().code() == StatusCode::kDataLoss) {
        log::Error("upload cannot be read", {{"upload_id", id}, {"error", ToText(upload.status())}});
        continue;
      }
      VORA_RETURN_IF_ERROR(upload.status());
      if (upload->doc.state != State::kUploaded) continue;
      VORA_RETURN_IF_ERROR(repo.store().Put(layout::AnnounceKey(id), "", {}).status());
      ++announced;
    }
    token = page.next_token;
  } while (!token.empty());
  return announced;
}

}  // namespace vora::upload
