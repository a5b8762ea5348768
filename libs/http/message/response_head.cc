#include "libs/http/message/response_head.h"

#include <algorithm>
#include <cctype>

#include "libs/core/clock.h"
#include "libs/core/text.h"

namespace vora::http {
namespace {

// A handler's own framing beside ours would let client and server disagree where the response ends.
bool IsOurs(const std::string& name) {
  return EqualsIgnoreCase(name, "Content-Length") || EqualsIgnoreCase(name, "Transfer-Encoding") || EqualsIgnoreCase(name, "Connection") ||
         EqualsIgnoreCase(name, "Date");
}

// A field whose name is no token (RFC 9110 section 5.6.2) is left out.
bool IsToken(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

void AppendClean(std::string& out, std::string_view text) {
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 0x20 && byte != 0x7f) || c == '\t') out += c;
  }
}

}  // namespace

bool IsBodyless(int status) { return status < 200 || status == 204 || status == 304; }

std::string SerializeHead(const Response& head, const HeadOptions& options) {
  std::string out;
  out.reserve(512);
  out += "HTTP/1.1 ";
  out += std::to_string(head.status);
  out += ' ';
  out += ReasonPhrase(head.status);
  out += "\r\nDate: ";
  out += FormatHttpDate(Clock::Real().Now());
  out += "\r\n";
  for (const auto& [name, value] : head.headers.all()) {
    if (IsOurs(name) || !IsToken(name)) continue;
    out += name;
    out += ": ";
    AppendClean(out, value);
    out += "\r\n";
  }
  if (options.framing == Framing::kLength) out += "Content-Length: " + std::to_string(options.content_length) + "\r\n";
  if (options.framing == Framing::kChunked) out += "Transfer-Encoding: chunked\r\n";
  if (!options.keep_alive) {
    out += "Connection: close\r\n";
  } else if (options.http10) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  return out;
}

}  // namespace vora::http
