#include "libs/storage/s3/s3_reader.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>

#include "libs/log/log.h"
#include "libs/storage/s3/s3_xml.h"

namespace vora::storage {
namespace {

constexpr int kMaxResumes = 3;  // without progress in between

bool ParseNumber(std::string_view text, int64_t& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= 0;
}

// The total of "bytes 0-9/1000".
bool ParseTotal(std::string_view content_range, int64_t& total) {
  size_t slash = content_range.rfind('/');
  return slash != content_range.npos && ParseNumber(content_range.substr(slash + 1), total);
}

StatusOr<std::unique_ptr<HttpExchange>> OpenAt(S3Client& client, const std::string& full_key, int64_t begin, int64_t length, bool ranged) {
  S3Request request;
  request.method = "GET";
  request.key = full_key;
  if (ranged) {
    request.headers["range"] = "bytes=" + std::to_string(begin) + "-";
    // As `begin + length` may pass the largest number.
    if (length >= 0 && length <= INT64_MAX - begin) request.headers["range"] += std::to_string(begin + length - 1);
  }
  return client.Open(request);
}

StatusOr<ObjectInfo> InfoOf(const HttpExchange& exchange, const std::string& key) {
  std::string size = exchange.Header("content-length");
  if (exchange.status() == 206) {
    int64_t total = 0;
    if (!ParseTotal(exchange.Header("content-range"), total)) return Internal("get " + key + ": no valid Content-Range in the answer");
    size = std::to_string(total);
  }
  return InfoFromHeaders(key, size, exchange.Header("etag"), exchange.Header("content-type"), exchange.Header("last-modified"));
}

class S3Reader : public ObjectReader {
 public:
  S3Reader(std::shared_ptr<S3Client> client, std::string full_key, std::unique_ptr<HttpExchange> exchange, ObjectInfo info, int64_t begin,
           int64_t end)
      : client_(std::move(client)),
        full_key_(std::move(full_key)),
        info_(std::move(info)),
        at_(begin),
        end_(end),
        exchange_(std::move(exchange)) {}

  const ObjectInfo& info() const override { return info_; }

  StatusOr<size_t> Read(char* buffer, size_t size) override {
    size_t wanted = static_cast<size_t>(std::min<int64_t>(end_ - at_, static_cast<int64_t>(std::min<size_t>(size, INT64_MAX))));
    if (wanted == 0) return size_t{0};
    while (true) {
      StatusOr<size_t> n =
          exchange_ == nullptr ? StatusOr<size_t>(Unavailable("get " + info_.key + ": not connected")) : exchange_->Read(buffer, wanted);
      if (n.ok() && *n > 0) {
        at_ += static_cast<int64_t>(*n);
        resumes_ = 0;
        if (at_ == end_) Release();
        return n;
      }
      Status broken = n.ok() ? Unavailable("get " + info_.key + ": the answer ended early") : n.status();
      exchange_.reset();
      // The limit is for tries in a row: a read of hours over a bad line may break many times.
      if (!IsTransient(broken) || ++resumes_ > kMaxResumes) return Unavailable(Message(broken));
      VORA_RETURN_IF_ERROR(Resume(broken));
    }
  }

 private:
  // Reads the end of the answer, so that the connection can be used again.
  void Release() {
    char extra = 0;
    (void)exchange_->Read(&extra, 1);
    exchange_.reset();
  }

  Status Resume(const Status& broken) {
    log::Warn("object read interrupted, going on", {{"key", info_.key}, {"offset", at_}, {"error", ToText(broken)}});
    VORA_ASSIGN_OR_RETURN(exchange_, OpenAt(*client_, full_key_, at_, end_ - at_, true));
    // Bytes of two versions must never be joined; a store that ignores Range (200) would begin at 0 again.
    bool same = exchange_->status() == 206 && UnquoteEtag(exchange_->Header("etag")) == info_.etag;
    if (same) return absl::OkStatus();
    exchange_.reset();
    resumes_ = kMaxResumes;
    return Unavailable("get " + info_.key + ": the object was changed or removed while it was read");
  }

  std::shared_ptr<S3Client> client_;  // before the exchange, which it must outlive
  std::string full_key_;
  ObjectInfo info_;
  int64_t at_, end_;
  int resumes_ = 0;
  std::unique_ptr<HttpExchange> exchange_;
};

}  // namespace

StatusOr<ObjectInfo> InfoFromHeaders(const std::string& key, const std::string& size, const std::string& etag,
                                     const std::string& content_type, const std::string& last_modified) {
  ObjectInfo info;
  info.key = key;
  if (!ParseNumber(size, info.size)) return Internal("object " + key + ": no valid Content-Length in the answer");
  info.etag = UnquoteEtag(etag);
  if (info.etag.empty()) return Internal("object " + key + ": no ETag in the answer");
  info.content_type = content_type;
  std::time_t modified = ::curl_getdate(last_modified.c_str(), nullptr);
  info.modified_unix_ms = modified < 0 ? 0 : int64_t{modified} * 1000;
  return info;
}

StatusOr<std::unique_ptr<ObjectReader>> OpenS3Reader(std::shared_ptr<S3Client> client, const std::string& key, const std::string& full_key,
                                                     int64_t offset, int64_t length) {
  bool ranged = offset > 0 || length >= 0;
  VORA_ASSIGN_OR_RETURN(std::unique_ptr<HttpExchange> exchange, OpenAt(*client, full_key, offset, length, ranged));
  if (exchange->status() == 404) return NotFound("object " + key + " does not exist");
  if (exchange->status() != (ranged ? 206 : 200)) {
    // Its bytes would pass for those of the range.
    if (exchange->status() == 200) return Internal("get " + key + ": the store does not honour Range");
    auto body = exchange->ReadRest(64 << 10);
    return ToS3Status(exchange->status(), body.ok() ? *body : "", "get " + key);
  }
  VORA_ASSIGN_OR_RETURN(ObjectInfo info, InfoOf(*exchange, key));
  int64_t end = length < 0 || length > info.size - offset ? info.size : offset + length;
  return std::make_unique<S3Reader>(std::move(client), full_key, std::move(exchange), std::move(info), offset, end);
}

}  // namespace vora::storage
