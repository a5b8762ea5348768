#include "libs/storage/s3/s3_xml.h"

#include <expat.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>

#include "libs/core/encoding.h"
#include "libs/core/time.h"
#include "libs/storage/s3/s3_key_answers.h"

namespace vora::storage {
namespace {

// S3's own documents are four deep.
constexpr size_t kMaxDepth = 8;

struct Element {
  std::string name;  // without its namespace
  std::string text;
  std::vector<Element> children;

  // nullptr unless there is exactly one.
  const Element* Only(std::string_view child) const {
    const Element* found = nullptr;
    for (const Element& c : children) {
      if (c.name != child) continue;
      if (found != nullptr) return nullptr;
      found = &c;
    }
    return found;
  }
};

class TreeParser {
 public:
  StatusOr<Element> Parse(std::string_view xml) {
    std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(XML_ParserCreate("UTF-8"), &XML_ParserFree);
    if (parser == nullptr) return ResourceExhausted("S3 answer: no memory for the parser");
    // XML_Parse takes an int.
    if (xml.size() > (64U << 20)) return Internal("S3 answer: longer than 64 MiB");
    parser_ = parser.get();
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(parser_, &TreeParser::Start, &TreeParser::End);
    XML_SetCharacterDataHandler(parser_, &TreeParser::Text);
    XML_SetStartDoctypeDeclHandler(parser_, &TreeParser::Doctype);
    if (XML_Parse(parser_, xml.data(), static_cast<int>(xml.size()), 1) != XML_STATUS_OK) {
      return Internal(std::string("S3 answer: ") + XML_ErrorString(XML_GetErrorCode(parser_)));
    }
    return std::move(root_);
  }

 private:
  static TreeParser& Self(void* self) { return *static_cast<TreeParser*>(self); }
  static void Start(void* self, const XML_Char* name, const XML_Char** /*attributes*/) {
    TreeParser& p = Self(self);
    if (p.open_.size() >= kMaxDepth) {
      XML_StopParser(p.parser_, XML_FALSE);
      return;
    }
    std::string_view local = name;
    // Stores differ in whether they prefix their elements.
    if (size_t colon = local.rfind(':'); colon != local.npos) local.remove_prefix(colon + 1);
    if (p.open_.empty()) {
      p.root_.name = local;
      p.open_.push_back(&p.root_);
    } else {
      // Only the innermost open element grows, so that the pointers of the outer ones stay valid.
      p.open_.push_back(&p.open_.back()->children.emplace_back(Element{std::string(local), {}, {}}));
    }
  }
  static void End(void* self, const XML_Char* /*name*/) { Self(self).open_.pop_back(); }
  static void Text(void* self, const XML_Char* text, int size) {
    TreeParser& p = Self(self);
    if (!p.open_.empty()) p.open_.back()->text.append(text, static_cast<size_t>(size));
  }
  // Entities need a document type: without it there is nothing that could be expanded a billion times.
  static void Doctype(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) { XML_StopParser(Self(self).parser_, XML_FALSE); }

  XML_Parser parser_ = nullptr;
  Element root_;
  std::vector<Element*> open_;
};

StatusOr<Element> ParseRoot(std::string_view xml, std::string_view name) {
  VORA_ASSIGN_OR_RETURN(Element root, TreeParser().Parse(xml));
  if (root.name != name) return Internal("S3 answer: root element is <" + root.name + ">, expected <" + std::string(name) + ">");
  return root;
}

StatusOr<std::string> Required(const Element& element, std::string_view child) {
  const Element* found = element.Only(child);
  if (found == nullptr) return Internal("S3 answer: <" + element.name + "> needs exactly one <" + std::string(child) + ">");
  return found->text;
}

template <typename Int>
bool ParseInt(std::string_view text, Int& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// encoding-type=url: as in forms, a space may be '+'.
std::optional<std::string> DecodeKey(std::string text) {
  std::replace(text.begin(), text.end(), '+', ' ');
  return PercentDecode(text);
}

StatusOr<ObjectInfo> ParseContents(const Element& contents, bool encoded) {
  ObjectInfo info;
  VORA_ASSIGN_OR_RETURN(info.key, Required(contents, "Key"));
  if (encoded) {
    auto decoded = DecodeKey(info.key);
    if (!decoded) return Internal("S3 answer: <Key> has a broken escape");
    info.key = std::move(*decoded);
  }
  VORA_ASSIGN_OR_RETURN(std::string size, Required(contents, "Size"));
  if (!ParseInt(size, info.size) || info.size < 0) return Internal("S3 answer: <Size> is not a number of bytes");
  VORA_ASSIGN_OR_RETURN(std::string etag, Required(contents, "ETag"));
  info.etag = UnquoteEtag(etag);
  VORA_ASSIGN_OR_RETURN(std::string modified, Required(contents, "LastModified"));
  const auto time = ParseRfc3339(modified);
  if (!time) return Internal("S3 answer: <LastModified> is not a time");
  info.modified_unix_ms = *time;
  return info;
}

}  // namespace

std::string UnquoteEtag(std::string_view etag) {
  if (etag.substr(0, 2) == "W/") etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

StatusOr<ListPage> ParseListObjects(std::string_view xml) {
  VORA_ASSIGN_OR_RETURN(Element root, ParseRoot(xml, "ListBucketResult"));
  const Element* encoding = root.Only("EncodingType");
  bool encoded = encoding != nullptr && encoding->text == "url";
  ListPage page;
  for (const Element& child : root.children) {
    if (child.name != "Contents") continue;
    VORA_ASSIGN_OR_RETURN(ObjectInfo info, ParseContents(child, encoded));
    page.objects.push_back(std::move(info));
  }
  VORA_ASSIGN_OR_RETURN(std::string truncated, Required(root, "IsTruncated"));
  if (truncated != "true" && truncated != "false") return Internal("S3 answer: <IsTruncated> is neither true nor false");
  if (truncated == "true") {
    VORA_ASSIGN_OR_RETURN(page.next_token, Required(root, "NextContinuationToken"));
    // An empty token means "no more" to our callers: the rest of the listing would silently be missing.
    if (page.next_token.empty()) return Internal("S3 answer: <NextContinuationToken> is empty");
  }
  return page;
}

StatusOr<S3PartPage> ParseListParts(std::string_view xml) {
  VORA_ASSIGN_OR_RETURN(Element root, ParseRoot(xml, "ListPartsResult"));
  S3PartPage page;
  for (const Element& child : root.children) {
    if (child.name != "Part") continue;
    S3PartPage::Part& part = page.parts.emplace_back();
    VORA_ASSIGN_OR_RETURN(const std::string number, Required(child, "PartNumber"));
    VORA_ASSIGN_OR_RETURN(const std::string size, Required(child, "Size"));
    VORA_ASSIGN_OR_RETURN(const std::string etag, Required(child, "ETag"));
    if (!ParseInt(number, part.number) || part.number < 1) return Internal("S3 answer: <PartNumber> is not the number of a part");
    if (!ParseInt(size, part.size) || part.size < 0) return Internal("S3 answer: <Size> is not a number of bytes");
    part.etag = UnquoteEtag(etag);
  }
  const Element* truncated = root.Only("IsTruncated");
  if (truncated != nullptr && truncated->text == "true") {
    VORA_ASSIGN_OR_RETURN(page.next_marker, Required(root, "NextPartNumberMarker"));
    if (page.next_marker.empty()) return Internal("S3 answer: <NextPartNumberMarker> is empty");
  }
  return page;
}

StatusOr<std::string> ParseCreateMultipart(std::string_view xml) {
  VORA_ASSIGN_OR_RETURN(Element root, ParseRoot(xml, "InitiateMultipartUploadResult"));
  VORA_ASSIGN_OR_RETURN(std::string id, Required(root, "UploadId"));
  if (id.empty()) return Internal("S3 answer: <UploadId> is empty");
  return id;
}

std::optional<S3Error> ParseS3Error(std::string_view xml) {
  auto root = TreeParser().Parse(xml);
  if (!root.ok()) return std::nullopt;
  const Element* error = root->name == "ErrorResponse" ? root->Only("Error") : &*root;
  if (error == nullptr || error->name != "Error") return std::nullopt;
  const Element* code = error->Only("Code");
  const Element* message = error->Only("Message");
  return S3Error{code == nullptr ? "" : code->text, message == nullptr ? "" : message->text};
}

StatusOr<S3Keys> ParseAssumedRole(std::string_view xml) {
  VORA_ASSIGN_OR_RETURN(Element root, ParseRoot(xml, "AssumeRoleWithWebIdentityResponse"));
  const Element* result = root.Only("AssumeRoleWithWebIdentityResult");
  const Element* keys = result == nullptr ? nullptr : result->Only("Credentials");
  if (keys == nullptr) return Internal("S3 answer: <AssumeRoleWithWebIdentityResponse> has no <Credentials>");
  VORA_ASSIGN_OR_RETURN(std::string access_key, Required(*keys, "AccessKeyId"));
  VORA_ASSIGN_OR_RETURN(std::string secret_key, Required(*keys, "SecretAccessKey"));
  VORA_ASSIGN_OR_RETURN(std::string token, Required(*keys, "SessionToken"));
  VORA_ASSIGN_OR_RETURN(const std::string expiration, Required(*keys, "Expiration"));
  return ParseTemporaryKeys(std::move(access_key), std::move(secret_key), std::move(token), expiration);
}

std::string FormatCompleteMultipart(const std::vector<CompletedPart>& parts) {
  std::string xml = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const CompletedPart& part : parts) {
    std::string etag;
    for (char c : part.etag) {
      switch (c) {
        case '&':
          etag += "&amp;";
          break;
        case '<':
          etag += "&lt;";
          break;
        case '>':
          etag += "&gt;";
          break;
        default:
          etag += c;
      }
    }
    xml += "<Part><PartNumber>" + std::to_string(part.number) + "</PartNumber><ETag>\"" + etag + "\"</ETag></Part>";
  }
  return xml + "</CompleteMultipartUpload>";
}

}  // namespace vora::storage
