#include "libs/storage/s3/s3_key_answers.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libs/core/text.h"
#include "libs/core/time.h"

namespace vora::storage {
namespace {

constexpr size_t kMaxRoleName = 64;
constexpr size_t kMaxKeyText = 16 << 10;

// It becomes a header.
bool IsHeaderText(std::string_view text) {
  return !text.empty() && text.size() <= kMaxKeyText && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

std::string TextOf(const nlohmann::json& document, const char* name) {
  const auto found = document.find(name);
  return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

StatusOr<S3Keys> ParseTemporaryKeys(std::string access_key, std::string secret_key, std::string token, std::string_view expiration) {
  if (!IsHeaderText(access_key)) return Internal("the answer has no valid AccessKeyId");
  if (!IsHeaderText(secret_key)) return Internal("the answer has no valid SecretAccessKey");
  if (!IsHeaderText(token)) return Internal("the answer has no valid session token");
  const auto expires = ParseRfc3339(expiration);
  if (!expires) return Internal("the answer's Expiration is no time");
  return S3Keys{std::move(access_key), std::move(secret_key), std::move(token), FromUnixMs(*expires)};
}

StatusOr<S3Keys> ParseKeyDocument(std::string_view json) {
  const auto document = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return Internal("the answer is no JSON object");
  if (const std::string code = TextOf(document, "Code"); !code.empty() && code != "Success") {
    return Internal("it answers " + RepairUtf8(code, 60) + ": " + RepairUtf8(TextOf(document, "Message"), 200));
  }
  return ParseTemporaryKeys(TextOf(document, "AccessKeyId"), TextOf(document, "SecretAccessKey"), TextOf(document, "Token"),
                            TextOf(document, "Expiration"));
}

std::string ParseRoleName(std::string_view text) {
  const std::string_view name = TrimBlanks(text.substr(0, text.find_first_of("\r\n")));
  // IAM: 64 of A-Z a-z 0-9 and + = , . @ - _.
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("+=,.@-_").find(static_cast<char>(c)) != std::string_view::npos;
  };
  return name.size() <= kMaxRoleName && std::all_of(name.begin(), name.end(), allowed) ? std::string(name) : "";
}

}  // namespace vora::storage
