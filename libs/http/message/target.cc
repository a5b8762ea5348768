#include "libs/http/message/target.h"

#include <algorithm>
#include <optional>

#include "libs/core/encoding.h"

namespace vora::http {
namespace {

// Cuts scheme and authority off an absolute-form target.
// Servers must accept it, though only proxies are sent it (RFC 9112 section 3.2.2). A `://` beyond the first slash belongs to the path or
// query.
std::string_view OriginForm(std::string_view target) {
  const size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos || scheme > target.find_first_of("/?")) return target;
  const size_t path = target.find_first_of("/?", scheme + 3);
  return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
}

// Of the decoded segment, so that `%2F..%2F` is found: what is opened later are decoded names.
bool IsSafeSegment(std::string_view segment) {
  if (segment.find('\0') != std::string_view::npos) return false;
  while (true) {
    const size_t slash = segment.find('/');
    const std::string_view part = segment.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    segment.remove_prefix(slash + 1);
  }
}

std::optional<std::string> DecodeQuery(std::string_view text) {
  std::string spaced(text);
  // In a query a plus is a blank, as forms write it; in a path it is itself.
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return PercentDecode(spaced);
}

Status ParseSegments(std::string_view raw, Target& out) {
  std::string_view rest = raw.substr(1);
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const std::string_view raw_segment = rest.substr(0, slash);
    auto segment = PercentDecode(raw_segment);
    if (!segment) return InvalidArgument("the path holds a broken percent escape");
    if (!IsSafeSegment(*segment)) return InvalidArgument("the path holds an empty, `.` or `..` segment or a NUL");
    out.path += '/';
    out.path += *segment;
    out.segments.push_back(std::move(*segment));
    if (slash == std::string_view::npos) return absl::OkStatus();
    rest.remove_prefix(slash + 1);
  }
  out.path += '/';
  return absl::OkStatus();
}

Status ParseQuery(std::string_view rest, Target& out) {
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    auto key = DecodeQuery(pair.substr(0, equals));
    auto value = equals == std::string_view::npos ? std::make_optional<std::string>() : DecodeQuery(pair.substr(equals + 1));
    if (!key || !value) return InvalidArgument("the query holds a broken percent escape");
    out.query.emplace(std::move(*key), std::move(*value));
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<Target> ParseTarget(std::string_view target) {
  Target out;
  if (target == "*") {
    out.path = out.raw_path = "*";
    out.segments.push_back("*");
    return out;
  }
  target = OriginForm(target);
  target = target.substr(0, target.find('#'));
  const size_t question = target.find('?');
  std::string_view raw = target.substr(0, question);
  if (raw.empty() && question == 0) raw = "/";
  if (!raw.starts_with('/')) return InvalidArgument("the request target must begin with `/`");
  out.raw_path = std::string(raw);
  VORA_RETURN_IF_ERROR(ParseSegments(raw, out));
  if (question != std::string_view::npos) VORA_RETURN_IF_ERROR(ParseQuery(target.substr(question + 1), out));
  return out;
}

}  // namespace vora::http
