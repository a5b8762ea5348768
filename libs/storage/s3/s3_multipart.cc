// Multipart of the S3 store. A multipart id is "{write token}.{upload id}": the finished object carries the token as metadata, which tells
// a repeated CompleteMultipart that it has succeeded before.

#include "libs/core/ids.h"
#include "libs/storage/base/key.h"
#include "libs/storage/s3/s3_store.h"
#include "libs/storage/s3/s3_xml.h"

namespace vora::storage {
namespace {

struct MultipartId {
  std::string token, upload_id;
};

StatusOr<MultipartId> ParseMultipartId(const std::string& id) {
  size_t dot = id.find('.');
  if (dot == id.npos || !IsId(id.substr(0, dot)) || dot + 1 == id.size()) return NoSuchMultipart(id);
  return MultipartId{id.substr(0, dot), id.substr(dot + 1)};
}

}  // namespace

StatusOr<std::string> S3ObjectStore::CreateMultipart(const std::string& key, const MultipartOptions& options) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  VORA_RETURN_IF_ERROR(ValidateMultipartOptions(options));
  std::string token = RandomHex(16);
  S3Request request;
  request.method = "POST";
  request.key = FullKey(key);
  request.query = {{"uploads", ""}};
  request.headers = {{"content-type", options.content_type}, {"x-amz-meta-vora-write", token}};
  VORA_ASSIGN_OR_RETURN(S3Response response, client_->Call(request));
  if (response.status != 200) return ToS3Status(response.status, response.body, "create multipart " + key);
  VORA_ASSIGN_OR_RETURN(std::string upload_id, ParseCreateMultipart(response.body));
  return token + "." + upload_id;
}

StatusOr<CompletedPart> S3ObjectStore::UploadPart(const std::string& key, const std::string& multipart_id, int number,
                                                  std::string_view bytes) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  VORA_RETURN_IF_ERROR(ValidatePartNumber(number));
  VORA_ASSIGN_OR_RETURN(MultipartId id, ParseMultipartId(multipart_id));
  S3Request request;
  request.method = "PUT";
  request.key = FullKey(key);
  request.query = {{"partNumber", std::to_string(number)}, {"uploadId", id.upload_id}};
  request.headers = {{"content-type", "application/octet-stream"}};
  request.body = bytes;
  VORA_ASSIGN_OR_RETURN(S3Response response, client_->Call(request));
  if (response.status == 404) {
    Status status = ToS3Status(404, response.body, "upload part of " + key);
    return status.code() == StatusCode::kNotFound ? NoSuchMultipart(multipart_id) : status;
  }
  if (response.status != 200) return ToS3Status(response.status, response.body, "upload part of " + key);
  CompletedPart part{number, UnquoteEtag(response.Header("etag"))};
  if (part.etag.empty()) return Internal("upload part of " + key + ": no ETag in the answer");
  return part;
}

StatusOr<ObjectInfo> S3ObjectStore::CompleteMultipart(const std::string& key, const std::string& multipart_id,
                                                      const std::vector<CompletedPart>& parts) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  VORA_RETURN_IF_ERROR(ValidatePartList(parts));
  VORA_ASSIGN_OR_RETURN(MultipartId id, ParseMultipartId(multipart_id));
  std::string document = FormatCompleteMultipart(parts);
  S3Request request;
  request.method = "POST";
  request.key = FullKey(key);
  request.query = {{"uploadId", id.upload_id}};
  request.headers = {{"content-type", "application/xml"}};
  request.body = document;
  request.stall_timeout = request.total_timeout = client_->config().complete_timeout;
  // Not the client's own tries: between two of them it must be asked whether the first one succeeded.
  request.retry = false;
  ObjectInfo info;
  VORA_RETURN_IF_ERROR(RetryIdempotent(client_->config().retry, [&]() -> Status {
    auto response = client_->Call(request);
    Status failed = response.status();
    if (failed.ok() && response->status != 200) failed = ToS3Status(response->status, response->body, "complete multipart " + key);
    bool maybe_gone = failed.ok() || failed.code() == StatusCode::kNotFound || IsTransient(failed);
    if (!maybe_gone) return failed;
    // Whatever the answer was, the object tells: an earlier try may have made it.
    auto found = HeadWritten(key);
    if (found.ok() && found->write_token == id.token) {
      info = std::move(found->info);
      return absl::OkStatus();
    }
    if (!found.ok() && found.status().code() != StatusCode::kNotFound) return found.status();
    // No object of ours and no upload left: somebody aborted it, and no further try can help.
    if (failed.ok() || failed.code() == StatusCode::kNotFound || !MultipartExists(key, id.upload_id)) return NoSuchMultipart(multipart_id);
    return failed;
  }));
  return info;
}

// RGW answers the completion of an upload that does not exist with a 500.
bool S3ObjectStore::MultipartExists(const std::string& key, const std::string& upload_id) {
  S3Request request;
  request.method = "GET";
  request.key = FullKey(key);
  request.query = {{"uploadId", upload_id}, {"max-parts", "1"}};
  auto response = client_->Call(request);
  return !response.ok() || response->status != 404;
}

Status S3ObjectStore::AbortMultipart(const std::string& key, const std::string& multipart_id) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  auto id = ParseMultipartId(multipart_id);
  if (!id.ok()) return absl::OkStatus();
  S3Request request;
  request.method = "DELETE";
  request.key = FullKey(key);
  request.query = {{"uploadId", id->upload_id}};
  VORA_ASSIGN_OR_RETURN(S3Response response, client_->Call(request));
  if (response.status / 100 == 2) return absl::OkStatus();
  Status status = ToS3Status(response.status, response.body, "abort multipart " + key);
  return status.code() == StatusCode::kNotFound ? absl::OkStatus() : status;
}

}  // namespace vora::storage
