#include "libs/storage/s3/s3_store.h"

#include <algorithm>
#include <thread>

#include "libs/core/clock.h"
#include "libs/core/ids.h"
#include "libs/storage/base/key.h"
#include "libs/storage/s3/s3_reader.h"
#include "libs/storage/s3/s3_xml.h"

namespace vora::storage {
namespace {

// After that the object is looked at: a conflict that lasts has a winner by then, or is answered as a lost race.
constexpr int kConflictTries = 5;

// An open range that holds no bytes: S3 has no way to ask for it.
class EmptyReader : public ObjectReader {
 public:
  explicit EmptyReader(ObjectInfo info) : info_(std::move(info)) {}
  const ObjectInfo& info() const override { return info_; }
  StatusOr<size_t> Read(char* /*buffer*/, size_t /*size*/) override { return size_t{0}; }

 private:
  ObjectInfo info_;
};

}  // namespace

StatusOr<S3ObjectStore::Condition> S3ObjectStore::GenerationCondition(const std::string& key, const PutOptions& options) {
  constexpr char kHeader[] = "x-goog-if-generation-match";
  if (options.if_absent) return Condition{kHeader, "0"};
  VORA_ASSIGN_OR_RETURN(const WrittenObject found, HeadWritten(key));
  if (found.info.etag != *options.if_match) return Aborted("object " + key + " was changed by someone else");
  if (found.generation.empty()) return Internal("head " + key + ": no generation in the answer; is the endpoint Google's?");
  return Condition{kHeader, found.generation};
}

StatusOr<S3ObjectStore::Condition> S3ObjectStore::ConditionOf(const std::string& key, const PutOptions& options, EtagStyle style) {
  if (!options.if_absent && !options.if_match) return Condition{};
  if (client_->config().dialect == S3Dialect::kGoogle) return GenerationCondition(key, options);
  if (options.if_absent) return Condition{"if-none-match", "*"};
  return Condition{"if-match", style == EtagStyle::kBare ? *options.if_match : '"' + *options.if_match + '"'};
}

std::map<std::string, std::string> S3ObjectStore::HeadersOf(const std::string& content_type, const std::string& copied_from,
                                                            const std::string& token) {
  std::map<std::string, std::string> headers{{"content-type", content_type}, {"x-amz-meta-vora-write", token}};
  if (!copied_from.empty()) headers["x-amz-meta-vora-copied-from"] = copied_from;
  return headers;
}

StatusOr<S3Response> S3ObjectStore::SendPut(const std::string& key, std::string_view bytes, const PutOptions& options,
                                            const std::string& token, const Condition& condition) {
  S3Request request;
  request.method = "PUT";
  request.key = FullKey(key);
  request.headers = HeadersOf(options.content_type, options.copied_from, token);
  if (!condition.first.empty()) request.headers.insert(condition);
  request.body = bytes;
  return client_->Call(request);
}

std::optional<StatusOr<ObjectInfo>> S3ObjectStore::JudgeFailedCondition(const std::string& key, const PutOptions& options,
                                                                        const std::string& token, EtagStyle style) {
  auto found = HeadWritten(key);
  // The token before the condition: the first try of this very call may have been stored, and its answer lost.
  if (found.ok() && found->write_token == token) return StatusOr<ObjectInfo>(found->info);
  if (!found.ok() && found.status().code() != StatusCode::kNotFound) return StatusOr<ObjectInfo>(found.status());
  if (options.if_absent) return StatusOr<ObjectInfo>(AlreadyExists("object " + key + " exists"));
  if (!found.ok()) return StatusOr<ObjectInfo>(found.status());
  // The store says that the ETag is another one, and it is the same: so it compares it with the quotes.
  const bool google = client_->config().dialect == S3Dialect::kGoogle;
  bool style_may_be_wrong = !google && style == EtagStyle::kQuoted && etag_style_ == EtagStyle::kUnknown;
  if (style_may_be_wrong && found->info.etag == *options.if_match) return std::nullopt;
  return StatusOr<ObjectInfo>(Aborted("object " + key + " was changed by someone else"));
}

StatusOr<ObjectInfo> S3ObjectStore::Put(const std::string& key, std::string_view bytes, const PutOptions& options) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  VORA_RETURN_IF_ERROR(ValidatePutOptions(options));
  bool conditional = options.if_absent || options.if_match;
  std::string token = RandomHex(16);
  EtagStyle known = etag_style_;
  EtagStyle style = known == EtagStyle::kUnknown ? EtagStyle::kQuoted : known;
  EtagStyle asked = style;
  Condition condition;
  for (int attempt = 1;; ++attempt) {
    // Once for all tries of one call, as a try that got lost may have made a new generation: that is seen by its token.
    if (attempt == 1 || style != asked) {
      VORA_ASSIGN_OR_RETURN(condition, ConditionOf(key, options, style));
      asked = style;
    }
    VORA_ASSIGN_OR_RETURN(S3Response response, SendPut(key, bytes, options, token, condition));
    if (response.status / 100 == 2) {
      // Only a success proves the style: a failure may be a lost race.
      if (options.if_match) etag_style_ = style;
      ObjectInfo info{key,
                      static_cast<int64_t>(bytes.size()),
                      UnquoteEtag(response.Header("etag")),
                      options.content_type,
                      ToUnixMs(Clock::Real().Now()),
                      options.copied_from};
      if (info.etag.empty()) return Internal("put " + key + ": no ETag in the answer");
      return info;
    }
    bool no_bucket = ToS3Status(response.status, response.body, "").code() == StatusCode::kFailedPrecondition;
    // AWS answers If-Match on a missing object with 404, and a conditional write that overlaps another with 409.
    bool refused = response.status == 412 || response.status == 409 || (response.status == 404 && options.if_match && !no_bucket);
    if (!conditional || !refused) return ToS3Status(response.status, response.body, "put " + key);
    if (response.status == 409 && attempt < kConflictTries) {
      // Another conditional write is under way: who wins is not decided yet.
      std::this_thread::sleep_for(BackoffDelay(client_->config().retry, attempt, Aborted("conflict")));
      continue;
    }
    if (auto result = JudgeFailedCondition(key, options, token, style)) return *std::move(result);
    style = EtagStyle::kBare;
  }
}

StatusOr<std::unique_ptr<ObjectReader>> S3ObjectStore::Open(const std::string& key, int64_t offset, int64_t length) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  VORA_RETURN_IF_ERROR(ValidateOffset(offset));
  if (length != 0) {
    auto reader = OpenS3Reader(client_, key, FullKey(key), offset, length);
    // 416 is the answer for an offset at the very end as well, which is a valid empty range here.
    if (reader.ok() || reader.status().code() != StatusCode::kOutOfRange) return reader;
  }
  VORA_ASSIGN_OR_RETURN(ObjectInfo info, Head(key));
  if (offset > info.size) {
    return OutOfRange("object " + key + " has " + std::to_string(info.size) + " bytes, offset is " + std::to_string(offset));
  }
  return std::make_unique<EmptyReader>(std::move(info));
}

StatusOr<S3ObjectStore::WrittenObject> S3ObjectStore::HeadWritten(const std::string& key) {
  S3Request request;
  request.method = "HEAD";
  request.key = FullKey(key);
  VORA_ASSIGN_OR_RETURN(S3Response response, client_->Call(request));
  if (response.status == 404) return NotFound("object " + key + " does not exist");
  if (response.status != 200) return ToS3Status(response.status, response.body, "head " + key);
  VORA_ASSIGN_OR_RETURN(ObjectInfo info, InfoFromHeaders(key, response.Header("content-length"), response.Header("etag"),
                                                         response.Header("content-type"), response.Header("last-modified")));
  info.copied_from = response.Header("x-amz-meta-vora-copied-from");
  return WrittenObject{std::move(info), response.Header("x-amz-meta-vora-write"), response.Header("x-amz-generation")};
}

StatusOr<ObjectInfo> S3ObjectStore::Head(const std::string& key) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  VORA_ASSIGN_OR_RETURN(WrittenObject found, HeadWritten(key));
  return std::move(found.info);
}

Status S3ObjectStore::Delete(const std::string& key) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  S3Request request;
  request.method = "DELETE";
  request.key = FullKey(key);
  VORA_ASSIGN_OR_RETURN(S3Response response, client_->Call(request));
  if (response.status / 100 == 2) return absl::OkStatus();
  Status status = ToS3Status(response.status, response.body, "delete " + key);
  return status.code() == StatusCode::kNotFound ? absl::OkStatus() : status;
}

StatusOr<ListPage> S3ObjectStore::List(const std::string& prefix, const std::string& token, int max) {
  S3Request request;
  request.method = "GET";
  // Keys are asked for in URL encoding, since XML 1.0 has no form for some characters that a bucket shared with others may hold.
  request.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"max-keys", std::to_string(std::clamp(max, 1, 1000))}};
  request.query.emplace_back("prefix", FullKey(prefix));
  if (!token.empty()) request.query.emplace_back("continuation-token", token);
  VORA_ASSIGN_OR_RETURN(S3Response response, client_->Call(request));
  if (response.status != 200) return ToS3Status(response.status, response.body, "list " + prefix);
  VORA_ASSIGN_OR_RETURN(ListPage page, ParseListObjects(response.body));
  const std::string& own = client_->config().prefix;
  for (ObjectInfo& object : page.objects) {
    if (object.key.compare(0, own.size(), own) != 0) return Internal("list " + prefix + ": the answer has a key outside the prefix");
    object.key.erase(0, own.size());
  }
  return page;
}

Status S3ObjectStore::Ping() {
  std::lock_guard lock(ping_mutex_);
  auto now = std::chrono::steady_clock::now();
  if (pinged_at_ != std::chrono::steady_clock::time_point{} && now - pinged_at_ < std::chrono::seconds(1)) return pinged_;
  S3Request request;
  request.method = "GET";
  request.query = {{"list-type", "2"}, {"max-keys", "1"}, {"prefix", client_->config().prefix}};
  // One short try: readiness has a deadline of its own, and asks again soon.
  request.total_timeout = std::chrono::milliseconds(2000);
  request.retry = false;
  auto response = client_->Call(request);
  if (!response.ok()) {
    pinged_ = response.status();
  } else {
    pinged_ = response->status == 200 ? absl::OkStatus() : ToS3Status(response->status, response->body, "object store " + Describe());
  }
  pinged_at_ = std::chrono::steady_clock::now();
  return pinged_;
}

std::string S3ObjectStore::Describe() const {
  const S3Config& config = client_->config();
  std::string text = "s3://" + config.authority + "/" + config.bucket + "/" + config.prefix;
  text.pop_back();
  return text;
}

}  // namespace vora::storage
