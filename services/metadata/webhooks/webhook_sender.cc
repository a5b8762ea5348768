#include "services/metadata/webhooks/webhook_sender.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "libs/core/error.h"
#include "libs/core/version.h"
#include "services/metadata/webhooks/webhook_address.h"
#include "services/metadata/webhooks/webhook_target.h"

namespace vora::metadata {
namespace {

constexpr size_t kMaxAnswer = 64 << 10;
constexpr long kConnectTimeoutMs = 5000;

struct List {
  curl_slist* list = nullptr;
  ~List() { curl_slist_free_all(list); }
  void Add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
};

struct WebhookCall {
  bool allow_private = false;
  const std::atomic<bool>* interrupted = nullptr;
  std::string refused;  // the address that was not connected to, and why
  size_t received = 0;
  bool too_long = false;
  std::optional<std::chrono::seconds> retry_after;
};

// The last word: libcurl connects to what is given here, and to nothing else.
curl_socket_t OpenSocket(void* user, curlsocktype, curl_sockaddr* address) {
  auto* call = static_cast<WebhookCall*>(user);
  const std::string_view why = WhyNotPublic(&address->addr);
  if (!why.empty() && !call->allow_private) {
    call->refused = AddressText(&address->addr) + " is not public (" + std::string(why) + ")";
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

size_t OnData(char*, size_t size, size_t count, void* user) {
  auto* call = static_cast<WebhookCall*>(user);
  call->received += size * count;
  call->too_long = call->received > kMaxAnswer;
  return call->too_long ? 0 : size * count;
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  auto* call = static_cast<WebhookCall*>(user);
  std::string line(data, size * count);
  constexpr std::string_view kName = "retry-after:";
  if (line.size() <= kName.size() || !std::equal(kName.begin(), kName.end(), line.begin(),
                                                 [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); })) {
    return size * count;
  }
  const size_t begin = line.find_first_not_of(" \t", kName.size());
  int64_t seconds = 0;
  if (begin != std::string::npos && std::from_chars(line.data() + begin, line.data() + line.size(), seconds).ec == std::errc() &&
      seconds >= 0) {
    call->retry_after = std::chrono::seconds(std::min<int64_t>(seconds, 86'400));
  }
  return size * count;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<WebhookCall*>(user)->interrupted->load() ? 1 : 0;
}

std::string Pinned(const WebhookTarget& target, const std::vector<sockaddr_storage>& addresses) {
  std::string text = target.host + ":" + target.port + ":";
  for (size_t i = 0; i < addresses.size(); ++i) text += (i == 0 ? "" : ",") + AddressText(reinterpret_cast<const sockaddr*>(&addresses[i]));
  return text;
}

Status FailureOf(CURLcode code, const WebhookCall& call, const char* detail) {
  if (call.interrupted->load()) return Cancelled("this replica is shutting down");
  if (!call.refused.empty()) return InvalidField("url", "the address " + call.refused);
  const std::string text = *detail != '\0' ? detail : curl_easy_strerror(code);
  return code == CURLE_OPERATION_TIMEDOUT ? DeadlineExceeded(text) : Unavailable(text);
}

}  // namespace

WebhookSender::WebhookSender(bool allow_private, std::chrono::milliseconds timeout) : allow_private_(allow_private), timeout_(timeout) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)initialised;
}

WebhookAnswer WebhookSender::Post(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
                                  const std::string& body) {
  if (interrupted_) return {Cancelled("this replica is shutting down"), 0, {}};
  const auto target = ParseWebhookUrl(url, allow_private_);
  if (!target.ok()) return {target.status(), 0, {}};
  const auto addresses = ResolveWebhookTarget(*target, allow_private_);
  if (!addresses.ok()) return {addresses.status(), 0, {}};
  // A handle of its own for each call: a kept connection would not be checked again.
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(), &curl_easy_cleanup);
  if (!easy) return {ResourceExhausted("no memory for a request"), 0, {}};
  WebhookCall call;
  call.allow_private = allow_private_;
  call.interrupted = &interrupted_;
  char error[CURL_ERROR_SIZE] = {};
  List lines, resolve;
  lines.Add("Content-Type: application/json");
  lines.Add("Expect:");
  for (const auto& [name, value] : headers) lines.Add(name + ": " + value);
  if (target->host.find(':') == std::string::npos) resolve.Add(Pinned(*target, *addresses));
  CURL* const handle = easy.get();
  const auto set = [handle](CURLoption option, auto value) { curl_easy_setopt(handle, option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, allow_private_ ? "http,https" : "https");
  set(CURLOPT_RESOLVE, resolve.list);
  set(CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  set(CURLOPT_OPENSOCKETDATA, &call);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_USERAGENT, ("Vora/" + std::string(Version())).c_str());
  set(CURLOPT_HTTPHEADER, lines.list);
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  set(CURLOPT_POSTFIELDS, body.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_.count()));
  set(CURLOPT_CONNECTTIMEOUT_MS, std::min(kConnectTimeoutMs, static_cast<long>(timeout_.count())));
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(error));
  set(CURLOPT_WRITEFUNCTION, &OnData);
  set(CURLOPT_WRITEDATA, &call);
  set(CURLOPT_HEADERFUNCTION, &OnHeader);
  set(CURLOPT_HEADERDATA, &call);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &OnProgress);
  set(CURLOPT_XFERINFODATA, &call);
  const CURLcode code = curl_easy_perform(handle);
  // A receiver that says more than anybody reads has still given its status.
  if (code != CURLE_OK && !call.too_long) return {FailureOf(code, call, error), 0, {}};
  long http_status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &http_status);
  return {{}, static_cast<int>(http_status), call.retry_after};
}

}  // namespace vora::metadata
