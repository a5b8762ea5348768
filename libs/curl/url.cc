#include "libs/curl/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <charconv>
#include <memory>

#include "libs/core/error.h"
#include "libs/core/text.h"

namespace vora::curl {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Parsed = std::unique_ptr<CURLU, FreeUrl>;

bool Set(const Parsed& url, std::string_view text, unsigned flags = 0) {
  // What RFC 3986 has no place for, and libcurl lets pass: these end an attribute or a header where a URL is shown.
  if (text.find_first_of(std::string_view("\"<>\\^`{|}\0", 10)) != std::string_view::npos) return false;
  return url && curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), flags | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
}

// nullopt: the URL has no such part.
std::optional<std::string> Part(const Parsed& url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK || text == nullptr) return std::nullopt;
  std::string out = text;
  curl_free(text);
  return out;
}

bool IsLocal(const std::string& host) {
  if (host == "localhost") return true;
  in_addr v4{};
  // By the whole address: `127.0.0.1.example` belongs to somebody else.
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  return host.size() > 2 && host.front() == '[' && inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6) == 1 &&
         IN6_IS_ADDR_LOOPBACK(&v6);
}

// libcurl makes do with one slash, and with three.
bool BeginsWithAuthority(std::string_view text) {
  const size_t slashes = text.find("://");
  return slashes != std::string_view::npos && text.size() > slashes + 3 && text[slashes + 3] != '/';
}

}  // namespace

std::optional<HttpUrl> ParseHttpUrl(std::string_view text) {
  const Parsed parsed(curl_url());
  if (!BeginsWithAuthority(text) || !Set(parsed, text)) return std::nullopt;
  const std::string scheme = Part(parsed, CURLUPART_SCHEME).value_or("");
  HttpUrl url;
  url.https = scheme == "https";
  url.host = ToLower(Part(parsed, CURLUPART_HOST).value_or(""));
  if ((!url.https && scheme != "http") || url.host.empty()) return std::nullopt;
  const std::string port = Part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("");
  std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (url.port <= 0) return std::nullopt;
  url.authority = url.port == (url.https ? 443 : 80) ? url.host : url.host + ":" + std::to_string(url.port);
  url.path = Part(parsed, CURLUPART_PATH).value_or("/");
  // `http://@host/` has a user too: an empty one.
  const std::string_view authority = text.substr(text.find("://") + 3);
  url.has_user = authority.substr(0, authority.find_first_of("/?#")).find('@') != std::string_view::npos;
  url.has_query = authority.substr(0, authority.find('#')).find('?') != std::string_view::npos;
  url.has_fragment = authority.find('#') != std::string_view::npos;
  url.has_zone = Part(parsed, CURLUPART_ZONEID).has_value() || url.host.find('%') != std::string::npos;
  url.local = IsLocal(url.host);
  return url;
}

Status CheckServerUrl(std::string_view field, std::string_view text) {
  const auto url = ParseHttpUrl(text);
  if (url && !url->has_user && !url->has_query && !url->has_fragment) return absl::OkStatus();
  return InvalidField(field, "must begin with http:// or https:// and name a host, without a user name, a query or a fragment");
}

std::optional<std::string> ResolveUrl(std::string_view base, std::string_view reference) {
  const Parsed url(curl_url());
  // A scheme is guessed as libcurl does it where it connects: `127.0.0.1:8081/files/` is http.
  if (!Set(url, base, CURLU_GUESS_SCHEME) || !Set(url, reference)) return std::nullopt;
  return Part(url, CURLUPART_URL);
}

}  // namespace vora::curl
