#include "libs/storage/s3/sigv4.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"

namespace vora::storage {
namespace {

// Leading and trailing spaces go, runs of spaces become one.
std::string TrimHeader(std::string_view value) {
  std::string out;
  for (char c : value) {
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out += c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string SignedHeaders(const SigningRequest& request) {
  std::string names;
  for (const auto& [name, value] : request.headers) names += (names.empty() ? "" : ";") + name;
  return names;
}

}  // namespace

std::string CanonicalQuery(const std::vector<std::pair<std::string, std::string>>& query) {
  std::vector<std::pair<std::string, std::string>> encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query) encoded.emplace_back(PercentEncode(name), PercentEncode(value));
  // By the encoded form, which sorts otherwise than the plain one.
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

std::string CanonicalRequest(const SigningRequest& request) {
  // The path as it is sent: S3 alone among AWS's services takes it encoded once and not normalised.
  std::string out = request.method + "\n" + request.path + "\n" + CanonicalQuery(request.query) + "\n";
  for (const auto& [name, value] : request.headers) out += name + ":" + TrimHeader(value) + "\n";
  return out + "\n" + SignedHeaders(request) + "\n" + request.payload_hash;
}

std::string SignRequest(const SigningRequest& request, const SigningKey& key) {
  const SigningDialect& dialect = key.dialect;
  const std::string& time = request.headers.at(dialect.header_prefix + "date");
  std::string date = time.substr(0, 8);
  std::string scope = date + "/" + key.region + "/" + key.service + "/" + dialect.ending;
  const std::string algorithm = dialect.version + "-HMAC-SHA256";
  std::string to_sign = algorithm + "\n" + time + "\n" + scope + "\n" + HexEncode(Sha256(CanonicalRequest(request)));
  std::string signing_key = HmacSha256(dialect.version + key.secret_key, date);
  for (const std::string& step : {key.region, key.service, dialect.ending}) signing_key = HmacSha256(signing_key, step);
  return algorithm + " Credential=" + key.access_key + "/" + scope + ", SignedHeaders=" + SignedHeaders(request) +
         ", Signature=" + HexEncode(HmacSha256(signing_key, to_sign));
}

}  // namespace vora::storage
