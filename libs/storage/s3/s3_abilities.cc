#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/storage/s3/s3_store.h"

namespace vora::storage {

StatusOr<bool> S3ObjectStore::ListsParts(const std::string& key) {
  VORA_ASSIGN_OR_RETURN(const std::string id, CreateMultipart(key, {}));
  const auto sent = UploadPart(key, id, 1, "part");
  const auto listed = ListParts(key, id.substr(id.find('.') + 1));
  VORA_RETURN_IF_ERROR(AbortMultipart(key, id));
  VORA_RETURN_IF_ERROR(sent.status());
  if (!listed.ok() && IsTransient(listed.status())) return listed.status();
  return listed.ok() && listed->size() == 1 && listed->front().number == 1 && listed->front().etag == sent->etag;
}

StatusOr<bool> S3ObjectStore::ChecksSums(const std::string& key) {
  const auto md5 = Digest::Create("md5");
  md5->Update("other bytes");
  S3Request request;
  request.method = "PUT";
  request.key = FullKey(key);
  request.headers = {{"content-type", "application/octet-stream"}, {"content-md5", Base64Encode(md5->Finish())}};
  request.body = "bytes";
  VORA_ASSIGN_OR_RETURN(const S3Response response, client_->Call(request));
  return response.status == 400;
}

StatusOr<Abilities> S3ObjectStore::FindAbilities(const std::string& key) {
  Abilities abilities;
  VORA_ASSIGN_OR_RETURN(abilities.lists_parts, ListsParts(key));
  VORA_ASSIGN_OR_RETURN(abilities.checks_sums, ChecksSums(key));
  VORA_RETURN_IF_ERROR(Delete(key));
  return abilities;
}

}  // namespace vora::storage
