#pragma once

// URLs, read by libcurl's parser (https://curl.se/libcurl/c/libcurl-url.html): what is checked here is what libcurl then connects to.

#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::curl {

// An absolute URL of http or https.
struct HttpUrl {
  bool https = false;
  std::string host;       // in small letters; [::1] keeps its brackets
  int port = 0;           // that of the scheme where none is given
  std::string authority;  // host and port as other parties know them: without a user, and without the scheme's own port
  std::string path;       // as it stands; `/` where there is none
  bool has_user = false, has_query = false, has_fragment = false;
  bool has_zone = false;  // of an IPv6 address
  bool local = false;     // names this machine: localhost, an address of 127.0.0.0/8, or [::1]
};

// nullopt: not a URL, not an absolute one, of another scheme, or without a host.
std::optional<HttpUrl> ParseHttpUrl(std::string_view text);

// Whether `text` can be the address of a server: INVALID_ARGUMENT naming `field` unless it is an HttpUrl without user, query and fragment.
Status CheckServerUrl(std::string_view field, std::string_view text);

// The URL that `reference` stands for in an answer from `base`, which may lack its scheme. nullopt: one of the two is malformed.
std::optional<std::string> ResolveUrl(std::string_view base, std::string_view reference);

}  // namespace vora::curl
