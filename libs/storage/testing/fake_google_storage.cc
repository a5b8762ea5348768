#include "libs/storage/testing/fake_google_storage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "libs/core/clock.h"
#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/ids.h"
#include "libs/testing/status_matchers.h"

namespace vora::storage {
namespace {

constexpr char kAccessKey[] = "GOOG1EXAMPLE", kSecretKey[] = "google-secret", kBucket[] = "vora-media";
constexpr size_t kMinPart = 5 << 20;

http::Response XmlError(int status, const std::string& code) {
  return http::Response::Text(
      status, "<?xml version='1.0' encoding='UTF-8'?><Error><Code>" + code + "</Code><Message>" + code + "</Message></Error>");
}

http::ServerOptions LargeBodies() {
  http::ServerOptions options;
  options.simple_body_limit = 64 << 20;
  options.max_header_bytes = 64 << 10;
  return options;
}

std::string Md5Of(std::string_view bytes) {
  const auto digest = Digest::Create("md5");
  digest->Update(bytes);
  return digest->Finish();
}

// Written anew after the documentation, so that a fault of the client's signer shows. `now` has passed since the epoch of nothing: times
// are not checked.
bool IsSigned(const http::Request& request, const std::string& body) {
  const std::string header = request.headers.GetOr("authorization", "");
  const std::string date = request.headers.GetOr("x-goog-date", ""), hash = request.headers.GetOr("x-goog-content-sha256", "");
  if (date.size() != 16 || hash != HexEncode(Sha256(body))) return false;
  const size_t names_at = header.find("SignedHeaders="), end = header.find(", Signature=");
  if (names_at == header.npos || end == header.npos) return false;
  const std::string names = header.substr(names_at + 14, end - names_at - 14);
  std::string canonical = request.method + "\n" + request.raw_path + "\n";
  std::vector<std::string> query;
  for (const auto& [name, value] : request.query) query.push_back(PercentEncode(name) + "=" + PercentEncode(value));
  std::sort(query.begin(), query.end());
  for (size_t i = 0; i < query.size(); ++i) canonical += (i == 0 ? "" : "&") + query[i];
  canonical += "\n";
  for (size_t begin = 0; begin < names.size();) {
    const size_t stop = std::min(names.find(';', begin), names.size());
    const std::string name = names.substr(begin, stop - begin);
    canonical += name + ":" + request.headers.Joined(name) + "\n";
    begin = stop + 1;
  }
  // All of the vendor's own have to be signed.
  for (const auto& [name, value] : request.headers.all()) {
    if (name.starts_with("x-goog-") && (";" + names + ";").find(";" + name + ";") == std::string::npos) return false;
  }
  canonical += "\n" + names + "\n" + hash;
  const std::string day = date.substr(0, 8), scope = day + "/auto/storage/goog4_request";
  const std::string text = "GOOG4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + HexEncode(Sha256(canonical));
  const std::string key =
      HmacSha256(HmacSha256(HmacSha256(HmacSha256(std::string("GOOG4") + kSecretKey, day), "auto"), "storage"), "goog4_request");
  return header == std::string("GOOG4-HMAC-SHA256 Credential=") + kAccessKey + "/" + scope + ", SignedHeaders=" + names +
                       ", Signature=" + HexEncode(HmacSha256(key, text));
}

// What stands between <name> and </name>, of the document from `at` on, which moves behind it; nullopt: no more.
std::optional<std::string> NextElement(const std::string& xml, const std::string& name, size_t& at) {
  const size_t begin = xml.find("<" + name + ">", at);
  const size_t end = xml.find("</" + name + ">", begin == xml.npos ? at : begin);
  if (begin == xml.npos || end == xml.npos) return std::nullopt;
  at = end;
  return xml.substr(begin + name.size() + 2, end - begin - name.size() - 2);
}

void Describe(http::Response& answer, const std::string& etag, int64_t generation, const std::string& hash) {
  answer.headers.Set("ETag", '"' + etag + '"');
  answer.headers.Set("x-goog-generation", std::to_string(generation));
  answer.headers.Set("x-goog-metageneration", "1");
  if (!hash.empty()) answer.headers.Set("x-goog-hash", hash);
}

}  // namespace

FakeGoogleStorage::FakeGoogleStorage() : server_(LargeBodies(), metrics_) {
  for (const char* pattern : {"/{bucket}", "/{bucket}/{key*}"}) {
    server_.RouteSimple("*", pattern, [this](const http::Request& request, const std::string& body) { return Answer(request, body); });
  }
  EXPECT_THAT(server_.Start(), IsOk());
}

FakeGoogleStorage::~FakeGoogleStorage() { server_.Shutdown(std::chrono::seconds(5)); }

std::string FakeGoogleStorage::url() const {
  return std::string("s3://") + kBucket + "?dialect=gcs&endpoint=http://127.0.0.1:" + std::to_string(server_.port());
}

std::optional<std::string> FakeGoogleStorage::Getenv(const std::string& name) {
  if (name == "VORA_S3_ACCESS_KEY") return kAccessKey;
  if (name == "VORA_S3_SECRET_KEY") return kSecretKey;
  return std::nullopt;
}

http::Response FakeGoogleStorage::Answer(const http::Request& request, const std::string& body) {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, value] : request.headers.all()) {
    if (name.starts_with("x-amz-")) return XmlError(400, "ExcessHeaderValues");
  }
  if (!IsSigned(request, body)) return XmlError(403, "SignatureDoesNotMatch");
  const std::string begin = std::string("/") + kBucket;
  if (!request.raw_path.starts_with(begin)) return XmlError(404, "NoSuchBucket");
  if (request.raw_path.size() <= begin.size() + 1) return List(request);
  const std::string key = PercentDecode(request.raw_path.substr(begin.size() + 1)).value_or("");
  if (request.Query("uploads") || request.Query("uploadId")) return Multipart(request, key, body);
  if (request.method == "PUT") return Put(request, key, body);
  if (request.method == "DELETE") return objects_.erase(key) == 1 ? http::Response::Empty(204) : XmlError(404, "NoSuchKey");
  return Get(request, key);
}

const FakeGoogleStorage::Object& FakeGoogleStorage::Store(const std::string& key, Object object) {
  object.generation = ++generations_;
  object.modified = FormatRfc3339(Clock::Real().Now());
  return objects_[key] = std::move(object);
}

http::Response FakeGoogleStorage::Put(const http::Request& request, const std::string& key, const std::string& body) {
  if (request.headers.GetOr("content-md5", Base64Encode(Md5Of(body))) != Base64Encode(Md5Of(body))) return XmlError(400, "BadDigest");
  if (const auto wanted = request.headers.Get("x-goog-if-generation-match")) {
    const auto found = objects_.find(key);
    if (std::to_string(found == objects_.end() ? 0 : found->second.generation) != *wanted) return XmlError(412, "PreconditionFailed");
  }
  Object object{body,
                HexEncode(Md5Of(body)),
                request.headers.GetOr("content-type", ""),
                request.headers.GetOr("x-goog-meta-vora-write", ""),
                request.headers.GetOr("x-goog-meta-vora-copied-from", ""),
                "md5=" + Base64Encode(Md5Of(body))};
  const Object& stored = Store(key, std::move(object));
  http::Response answer = http::Response::Empty(200);
  Describe(answer, stored.etag, stored.generation, stored.hash);
  return answer;
}

http::Response FakeGoogleStorage::Get(const http::Request& request, const std::string& key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return XmlError(404, "NoSuchKey");
  const Object& object = found->second;
  http::Response answer = http::Response::Text(200, object.bytes);
  const auto size = static_cast<int64_t>(object.bytes.size());
  if (const auto range = http::ParseRange(request.headers.GetOr("range", ""), size)) {
    if (!*range) return XmlError(416, "InvalidRange");
    answer.status = 206;
    answer.body = object.bytes.substr(static_cast<size_t>((*range)->first), static_cast<size_t>((*range)->last - (*range)->first + 1));
    answer.headers.Set("Content-Range",
                       "bytes " + std::to_string((*range)->first) + "-" + std::to_string((*range)->last) + "/" + std::to_string(size));
  }
  Describe(answer, object.etag, object.generation, object.hash);
  answer.headers.Set("Content-Type", object.content_type);
  answer.headers.Set("Last-Modified", FormatHttpDate(FromUnixMs(ParseRfc3339(object.modified).value_or(0))));
  if (!object.write_token.empty()) answer.headers.Set("x-goog-meta-vora-write", object.write_token);
  if (!object.copied_from.empty()) answer.headers.Set("x-goog-meta-vora-copied-from", object.copied_from);
  return answer;
}

http::Response FakeGoogleStorage::List(const http::Request& request) {
  if (request.Query("list-type").value_or("") != "2" || request.Query("encoding-type").value_or("url") != "url") {
    return XmlError(400, "InvalidArgument");
  }
  const std::string prefix = request.Query("prefix").value_or(""), token = request.Query("continuation-token").value_or("");
  const auto most = static_cast<size_t>(std::atoi(request.Query("max-keys").value_or("1000").c_str()));
  std::string contents, last;
  size_t count = 0;
  auto at = token.empty() ? objects_.lower_bound(prefix) : objects_.upper_bound(*Base64UrlDecode(token));
  for (; at != objects_.end() && at->first.starts_with(prefix) && count < most; ++at, ++count) {
    last = at->first;
    contents += "<Contents><Key>" + PercentEncode(last, true) + "</Key><Generation>" + std::to_string(at->second.generation) +
                "</Generation><MetaGeneration>1</MetaGeneration><LastModified>" + at->second.modified + "</LastModified><ETag>\"" +
                at->second.etag + "\"</ETag><Size>" + std::to_string(at->second.bytes.size()) + "</Size></Contents>";
  }
  const bool more = at != objects_.end() && at->first.starts_with(prefix);
  return http::Response::Text(
      200, "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'><Name>" +
               std::string(kBucket) + "</Name><EncodingType>url</EncodingType><IsTruncated>" + (more ? "true" : "false") +
               "</IsTruncated>" + contents + (more ? "<NextContinuationToken>" + Base64UrlEncode(last) + "</NextContinuationToken>" : "") +
               "</ListBucketResult>");
}

http::Response FakeGoogleStorage::Multipart(const http::Request& request, const std::string& key, const std::string& body) {
  if (request.Query("uploads")) {
    const std::string id = "ABPnzm" + NewId() + "-_x";
    uploads_[id] = {key,
                    request.headers.GetOr("content-type", ""),
                    request.headers.GetOr("x-goog-meta-vora-write", ""),
                    request.headers.GetOr("x-goog-meta-vora-copied-from", ""),
                    {}};
    return http::Response::Text(200, "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>" + id +
                                         "</UploadId></InitiateMultipartUploadResult>");
  }
  const std::string id = *request.Query("uploadId");
  const auto found = uploads_.find(id);
  if (found == uploads_.end() || found->second.key != key) return XmlError(404, "NoSuchUpload");
  if (request.method == "DELETE") {
    uploads_.erase(found);
    return http::Response::Empty(204);
  }
  if (request.method == "POST") return Complete(id, body);
  if (request.method == "GET") return ListParts(found->second, std::atoi(request.Query("part-number-marker").value_or("0").c_str()));
  found->second.parts[std::atoi(request.Query("partNumber").value_or("0").c_str())] = body;
  http::Response answer = http::Response::Empty(200);
  answer.headers.Set("ETag", '"' + HexEncode(Md5Of(body)) + '"');
  return answer;
}

http::Response FakeGoogleStorage::ListParts(const Upload& upload, int after) {
  constexpr int kPage = 2;  // so that there are several
  std::string parts;
  int count = 0, last = 0;
  auto at = upload.parts.upper_bound(after);
  for (; at != upload.parts.end() && count < kPage; ++at, ++count) {
    last = at->first;
    parts += "<Part><PartNumber>" + std::to_string(last) + "</PartNumber><LastModified>2026-11-20T09:06:58.000Z</LastModified><ETag>\"" +
             HexEncode(Md5Of(at->second)) + "\"</ETag><Size>" + std::to_string(at->second.size()) + "</Size></Part>";
  }
  const bool more = at != upload.parts.end();
  return http::Response::Text(200, std::string("<ListPartsResult><IsTruncated>") + (more ? "true" : "false") + "</IsTruncated>" + parts +
                                       (more ? "<NextPartNumberMarker>" + std::to_string(last) + "</NextPartNumberMarker>" : "") +
                                       "</ListPartsResult>");
}

http::Response FakeGoogleStorage::Complete(const std::string& id, const std::string& body) {
  const Upload& upload = uploads_[id];
  Object object{"", "", upload.content_type, upload.write_token, upload.copied_from, "crc32c=AAAAAA=="};
  size_t at = 0;
  bool last_was_small = false;
  while (const auto part = NextElement(body, "Part", at)) {
    size_t inner = 0;
    const int number = std::atoi(NextElement(*part, "PartNumber", inner).value_or("0").c_str());
    const std::string etag = NextElement(*part, "ETag", inner).value_or("");
    const auto given = upload.parts.find(number);
    if (given == upload.parts.end() || etag != '"' + HexEncode(Md5Of(given->second)) + '"') return XmlError(400, "InvalidPart");
    if (last_was_small) return XmlError(400, "EntityTooSmall");
    last_was_small = given->second.size() < kMinPart;
    object.bytes += given->second;
  }
  object.etag = "-CJ" + RandomHex(6) + "=";
  const std::string key = upload.key;
  const Object& stored = Store(key, std::move(object));
  uploads_.erase(id);
  http::Response answer =
      http::Response::Text(200, "<CompleteMultipartUploadResult><ETag>\"" + stored.etag + "\"</ETag></CompleteMultipartUploadResult>");
  Describe(answer, stored.etag, stored.generation, stored.hash);
  return answer;
}

}  // namespace vora::storage
