// Multipart of the S3 store. A multipart id is "{write token}.{upload id}": the finished object carries the token as metadata, which tells
// a repeated CompleteMultipart that it has succeeded before.

#include <map>
#include <thread>

#include "libs/core/error.h"
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
  request.headers = HeadersOf(options.content_type, options.copied_from, token);
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
  auto size = CheckParts(key, id.upload_id, parts);
  // While another completes it, and after that on versitygw, there are fewer parts: they are missed only once it is sure that no object was
  // made of them.
  for (int attempt = 1; size.status().code() == StatusCode::kInvalidArgument; ++attempt) {
    const auto found = HeadWritten(key);
    if (found.ok() && found->write_token == id.token) return found->info;
    if (attempt == client_->config().retry.max_attempts) break;
    std::this_thread::sleep_for(BackoffDelay(client_->config().retry, attempt, size.status()));
    size = CheckParts(key, id.upload_id, parts);
  }
  VORA_RETURN_IF_ERROR(size.status());
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
    if (failed.ok() || failed.code() == StatusCode::kNotFound || ListParts(key, id.upload_id).status().code() == StatusCode::kNotFound) {
      return NoSuchMultipart(multipart_id);
    }
    return failed;
  }));
  if (*size && info.size != **size) {
    return DataLoss("complete multipart " + key + ": the store made an object of " + std::to_string(info.size) + " bytes from parts of " +
                    std::to_string(**size));
  }
  return info;
}

StatusOr<std::vector<S3PartPage::Part>> S3ObjectStore::ListParts(const std::string& key, const std::string& upload_id) {
  std::vector<S3PartPage::Part> parts;
  std::string marker;
  do {
    S3Request request;
    request.method = "GET";
    request.key = FullKey(key);
    request.query = {{"uploadId", upload_id}, {"max-parts", "1000"}};
    if (!marker.empty()) request.query.emplace_back("part-number-marker", marker);
    VORA_ASSIGN_OR_RETURN(const S3Response response, client_->Call(request));
    if (response.status != 200) return ToS3Status(response.status, response.body, "list parts of " + key);
    VORA_ASSIGN_OR_RETURN(const S3PartPage page, ParseListParts(response.body));
    parts.insert(parts.end(), page.parts.begin(), page.parts.end());
    if (parts.size() > static_cast<size_t>(kMaxParts)) return Internal("list parts of " + key + ": more than 10000 parts");
    marker = page.next_marker;
  } while (!marker.empty());
  return parts;
}

StatusOr<std::optional<int64_t>> S3ObjectStore::CheckParts(const std::string& key, const std::string& upload_id,
                                                           const std::vector<CompletedPart>& parts) {
  const auto listed = ListParts(key, upload_id);
  if (!listed.ok()) {
    // Without an upload it may have been completed before; a store that does not list, or not for us, is left to its own checks.
    return IsTransient(listed.status()) ? StatusOr<std::optional<int64_t>>(listed.status()) : std::optional<int64_t>();
  }
  // SeaweedFS lists a part that was replaced beside the one that replaced it.
  std::map<int, std::map<std::string, int64_t>> sizes;
  for (const auto& part : *listed) sizes[part.number][part.etag] = part.size;
  int64_t size = 0;
  for (const CompletedPart& part : parts) {
    const auto sent = sizes.find(part.number);
    const std::string name = "part " + std::to_string(part.number) + " of " + key;
    if (sent == sizes.end()) return InvalidField("multipart", name + " was never sent");
    const auto found = sent->second.find(part.etag);
    if (found == sent->second.end()) return InvalidField("multipart", name + " is another one by now");
    size += found->second;
  }
  return std::optional<int64_t>(size);
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
