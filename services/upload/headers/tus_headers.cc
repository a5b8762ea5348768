#include "services/upload/headers/tus_headers.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <set>

#include "libs/core/encoding.h"
#include "libs/core/labels.h"
#include "libs/core/priority.h"
#include "libs/core/text.h"

namespace vora::upload {
namespace {

struct Algorithm {
  std::string_view name;
  size_t digest_bytes;
};
constexpr std::array<Algorithm, 3> kAlgorithms{{{"sha1", 20}, {"sha256", 32}, {"crc32", 4}}};

Status Bad(std::string_view field, std::string_view message) { return WithDetail(InvalidArgument(message), {.field = std::string(field)}); }

Status TooLarge(std::string_view field, int64_t length, int64_t max_bytes) {
  const std::string limit = std::to_string(max_bytes);
  return MakeError(errors::kUploadTooLarge,
                   "the upload has " + std::to_string(length) + " bytes; at most " + limit + " (Tus-Max-Size) are taken",
                   {.field = std::string(field), .limit = limit + " bytes"});
}

bool IsMetadataKey(std::string_view key) {
  return !key.empty() && key.size() <= 255 && std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f && c != ','; });
}

// What may be shown of a key that is not one.
std::string Printable(std::string_view text) {
  std::string shown;
  for (char c : text.substr(0, 64)) shown += c > 0x20 && c < 0x7f ? c : '?';
  return shown;
}

bool IsOffsetOctetStream(std::string_view content_type) {
  std::string_view type = TrimBlanks(content_type.substr(0, content_type.find(';')));
  return EqualsIgnoreCase(type, kOffsetOctetStream);
}

Status WrongContentType(const http::Headers& headers) {
  const std::string sent = Printable(headers.GetOr("Content-Type", ""));
  return MakeError(errors::kUnsupportedMediaType,
                   "bytes are sent as Content-Type: " + std::string(kOffsetOctetStream) + ", not `" + sent + "`",
                   {.field = "Content-Type"});
}

StatusOr<std::optional<Checksum>> OptionalChecksum(const http::Headers& headers) {
  std::optional<std::string> header = headers.Get("Upload-Checksum");
  if (!header) return std::optional<Checksum>();
  VORA_ASSIGN_OR_RETURN(Checksum checksum, ParseChecksum(*header));
  return std::optional<Checksum>(std::move(checksum));
}

StatusOr<std::optional<int64_t>> OptionalLength(const http::Headers& headers, int64_t max_bytes) {
  std::optional<std::string> header = headers.Get("Upload-Length");
  if (!header) return std::optional<int64_t>();
  std::optional<int64_t> length = ParseCount(*header);
  if (!length) return Bad("Upload-Length", "Upload-Length must be a number of bytes (digits only, below 2^63)");
  if (*length > max_bytes) return TooLarge("Upload-Length", *length, max_bytes);
  return length;
}

}  // namespace

std::optional<int64_t> ParseCount(std::string_view text) {
  text = TrimBlanks(text);
  // 19 digits always fit into 64 bits, so the sum below cannot overflow.
  if (text.empty() || text.size() > 19) return std::nullopt;
  uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  return static_cast<int64_t>(value);
}

StatusOr<Metadata> ParseMetadata(std::string_view header) {
  Metadata metadata;
  std::set<std::string, std::less<>> seen;
  std::string_view rest = TrimBlanks(header);
  while (!rest.empty()) {
    size_t comma = rest.find(',');
    std::string_view pair = TrimBlanks(rest.substr(0, comma));
    bool last = comma == std::string_view::npos;
    rest = last ? std::string_view() : rest.substr(comma + 1);
    size_t space = pair.find(' ');
    std::string_view key = pair.substr(0, space);
    if (!IsMetadataKey(key)) {
      return Bad("Upload-Metadata", "Upload-Metadata: the key `" + Printable(key) +
                                        "` is not one: 1 to 255 printable ASCII characters without space and comma");
    }
    // tus 1.0.0 lets a key stand without a value.
    std::optional<std::string> value = Base64Decode(space == std::string_view::npos ? std::string_view() : TrimBlanks(pair.substr(space)));
    if (!value) return Bad(key, "Upload-Metadata: the value of `" + std::string(key) + "` is not base64 (RFC 4648 section 4, padded)");
    if (!seen.insert(std::string(key)).second) return Bad(key, "Upload-Metadata: the key `" + std::string(key) + "` occurs twice");
    metadata.emplace_back(std::string(key), *std::move(value));
    // A comma at the end leaves nothing for the loop to see.
    if (!last && TrimBlanks(rest).empty()) return Bad("Upload-Metadata", "Upload-Metadata ends in a comma: a key is missing after it");
  }
  return metadata;
}

std::optional<std::string> FindMetadata(const Metadata& metadata, std::string_view key) {
  for (const auto& [name, value] : metadata) {
    if (name == key) return value;
  }
  return std::nullopt;
}

StatusOr<std::string> WholeFileSha256(const Metadata& metadata) {
  std::optional<std::string> value = FindMetadata(metadata, "sha256");
  if (!value) return std::string();
  std::string hex = ToLower(*value);
  bool ok = hex.size() == 64 && hex.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!ok) return Bad("sha256", "Upload-Metadata: `sha256` must be the whole file's SHA-256 as 64 hex digits");
  return hex;
}

// Now, while somebody is there to be told.
Status CheckVideoMetadata(const Metadata& metadata) {
  Labels labels;
  for (const auto& [key, value] : metadata) {
    if (key == "priority" && !ParsePriority(value).ok()) {
      return Bad("priority", "Upload-Metadata: `priority` must be a whole number from -1000 to 1000");
    }
    if (key == kExternalIdKey) {
      if (const Status valid = CheckExternalId(value); !valid.ok()) return Annotate(valid, "Upload-Metadata");
    }
    if (key == kLadderKey) {
      if (const Status valid = CheckLadderName(kLadderKey, value); !valid.ok()) return Annotate(valid, "Upload-Metadata");
    }
    if (key.starts_with(kLabelPrefix)) labels[key.substr(kLabelPrefix.size())] = value;
  }
  const Status valid = CheckLabels(labels);
  return valid.ok() ? valid : Annotate(valid, "Upload-Metadata");
}

StatusOr<Checksum> ParseChecksum(std::string_view header) {
  header = TrimBlanks(header);
  size_t space = header.find(' ');
  std::string_view name = header.substr(0, space);
  const Algorithm* algorithm = std::find_if(kAlgorithms.begin(), kAlgorithms.end(), [&](const Algorithm& a) { return a.name == name; });
  if (algorithm == kAlgorithms.end()) {
    return MakeError(errors::kUnsupportedChecksum,
                     "Upload-Checksum: the algorithm `" + Printable(name) + "` is not one of " + std::string(kChecksumAlgorithms),
                     {.field = "Upload-Checksum", .limit = std::string(kChecksumAlgorithms)});
  }
  std::optional<std::string> digest;
  if (space != std::string_view::npos) digest = Base64Decode(TrimBlanks(header.substr(space)));
  if (!digest || digest->size() != algorithm->digest_bytes) {
    return Bad("Upload-Checksum", "Upload-Checksum: after `" + std::string(name) + "` stand " + std::to_string(algorithm->digest_bytes) +
                                      " bytes of digest in base64");
  }
  return Checksum{std::string(name), *std::move(digest)};
}

Status BodyTooLong(int64_t body_bytes, int64_t room) {
  const std::string limit = std::to_string(room);
  return MakeError(errors::kBodyTooLong, "the body has " + std::to_string(body_bytes) + " bytes, but the upload lacks only " + limit,
                   {.field = "Content-Length", .limit = limit + " bytes"});
}

Status CheckVersion(const http::Headers& headers) {
  if (TrimBlanks(headers.GetOr("Tus-Resumable", "")) == kTusVersion) return {};
  return MakeError(errors::kUnsupportedTusVersion, "send Tus-Resumable: " + std::string(kTusVersion), {.field = "Tus-Resumable"});
}

std::string EffectiveMethod(std::string_view method, const http::Headers& headers) {
  std::string value = headers.GetOr("X-HTTP-Method-Override", "");
  std::string_view effective = TrimBlanks(value).empty() ? method : TrimBlanks(value);
  std::string upper(effective);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

StatusOr<CreateRequest> ParseCreate(const http::Headers& headers, std::optional<int64_t> content_length, int64_t max_bytes) {
  CreateRequest create;
  if (headers.Has("Upload-Concat")) return Bad("Upload-Concat", "Upload-Concat: the concatenation extension is not offered");
  VORA_ASSIGN_OR_RETURN(create.length, OptionalLength(headers, max_bytes));
  std::optional<std::string> defer = headers.Get("Upload-Defer-Length");
  if (defer && TrimBlanks(*defer) != "1") return Bad("Upload-Defer-Length", "Upload-Defer-Length must be 1");
  if (defer && create.length) return Bad("Upload-Defer-Length", "send either Upload-Length or Upload-Defer-Length, not both");
  if (!defer && !create.length) return Bad("Upload-Length", "Upload-Length (or Upload-Defer-Length: 1) is missing");

  create.metadata_header = headers.GetOr("Upload-Metadata", "");
  VORA_ASSIGN_OR_RETURN(create.metadata, ParseMetadata(create.metadata_header));
  VORA_RETURN_IF_ERROR(WholeFileSha256(create.metadata).status());
  VORA_RETURN_IF_ERROR(CheckVideoMetadata(create.metadata));

  // A chunked body has no length that could say that there is one.
  create.has_body = content_length ? *content_length > 0 : headers.Has("Transfer-Encoding");
  if (create.has_body && !IsOffsetOctetStream(headers.GetOr("Content-Type", ""))) return WrongContentType(headers);
  if (create.has_body && create.length && content_length && *content_length > *create.length) {
    return BodyTooLong(*content_length, *create.length);
  }
  VORA_ASSIGN_OR_RETURN(create.checksum, OptionalChecksum(headers));
  return create;
}

StatusOr<PatchRequest> ParsePatch(const http::Headers& headers, int64_t max_bytes) {
  PatchRequest patch;
  if (!IsOffsetOctetStream(headers.GetOr("Content-Type", ""))) return WrongContentType(headers);
  std::optional<int64_t> offset = ParseCount(headers.GetOr("Upload-Offset", ""));
  if (!offset) return Bad("Upload-Offset", "Upload-Offset must be a number of bytes (digits only, below 2^63)");
  patch.offset = *offset;
  VORA_ASSIGN_OR_RETURN(patch.length, OptionalLength(headers, max_bytes));
  VORA_ASSIGN_OR_RETURN(patch.checksum, OptionalChecksum(headers));
  return patch;
}

std::string LocationOf(const http::Headers& headers, std::string_view public_url, std::string_view path) {
  if (!public_url.empty()) return std::string(public_url) + std::string(path);
  // Proxies append: the first entry is what the client saw.
  auto first = [&](std::string_view name) {
    std::string value = headers.GetOr(name, "");
    return std::string(TrimBlanks(std::string_view(value).substr(0, value.find(','))));
  };
  std::string scheme = first("X-Forwarded-Proto");
  if (scheme != "https") scheme = "http";
  std::string host = first("X-Forwarded-Host");
  if (host.empty()) host = first("Host");
  // The host is the client's word and goes into a header of the answer.
  bool plain = !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
  });
  return plain ? scheme + "://" + host + std::string(path) : std::string(path);
}

}  // namespace vora::upload
