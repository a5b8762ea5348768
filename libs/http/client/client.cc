#include "libs/http/client/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <mutex>

namespace vora::http {
namespace {

void InitCurlOnce() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

struct Transfer {
  const ClientRequest* request = nullptr;
  ClientResponse response;
  Status failure;  // why a callback ended the transfer
};

size_t OnRead(char* buffer, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  auto filled = transfer->request->upload(buffer, size * count);
  if (filled.ok()) return *filled;
  transfer->failure = filled.status();
  return CURL_READFUNC_ABORT;
}

size_t OnData(char* data, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::string_view piece(data, size * count);
  if (!transfer->request->on_data) {
    transfer->response.body.append(piece);
    return piece.size();
  }
  if (transfer->request->on_data(piece)) return piece.size();
  transfer->failure = Cancelled("the receiver ended the transfer");
  return 0;
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  std::string_view line(data, size * count);
  // A status line begins the headers anew: 100 Continue comes before the final answer.
  if (line.starts_with("HTTP/")) transfer->response.headers = Headers();
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.remove_suffix(1);
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos && !line.starts_with("HTTP/")) {
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front()))) value.remove_prefix(1);
    transfer->response.headers.Add(line.substr(0, colon), value);
  }
  return size * count;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto* transfer = static_cast<Transfer*>(user);
  if (!transfer->request->cancelled || !transfer->request->cancelled()) return 0;
  transfer->failure = Cancelled("cancelled by the caller");
  return 1;
}

Status FromCurl(CURL* easy, CURLcode code, const Transfer& transfer, const char* detail) {
  if (!transfer.failure.ok()) return transfer.failure;
  const std::string text = transfer.request->method + " " + transfer.request->url + ": " +
                           (detail[0] != '\0' ? std::string(detail) : std::string(curl_easy_strerror(code)));
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return InvalidArgument(text);
    case CURLE_OPERATION_TIMEDOUT: {
      curl_off_t connected = 0;
      curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
      return connected == 0 ? Unavailable(text) : DeadlineExceeded(text);
    }
    case CURLE_ABORTED_BY_CALLBACK:
      return Cancelled(text);
    default:
      return Unavailable(text);
  }
}

// A proxy set in the environment must not stand between a client and a server on the same machine.
bool IsLoopback(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return false;
  const std::string_view host = std::string_view(url).substr(scheme + 3);
  return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
}

struct HeaderList {
  curl_slist* list = nullptr;
  ~HeaderList() { curl_slist_free_all(list); }
  void Add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
};

void SetHeaders(const ClientRequest& request, HeaderList& out) {
  // A header without a value is written `Name;` for libcurl; `Name:` would remove it.
  for (const auto& [name, value] : request.headers.all()) out.Add(value.empty() ? name + ";" : name + ": " + value);
  if (!request.headers.Has("Content-Type")) out.Add("Content-Type:");
}

void SetMethodAndBody(CURL* easy, const ClientRequest& request, Transfer& transfer) {
  const bool sends =
      request.upload || !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (request.upload) {
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &OnRead);
    curl_easy_setopt(easy, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.upload_size.value_or(-1)));
  } else if (sends) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  if (request.method == "HEAD") curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

}  // namespace

struct Client::Impl {
  CURL* easy = nullptr;
  char error[CURL_ERROR_SIZE] = {};
};

Client::Client() : impl_(std::make_unique<Impl>()) {
  InitCurlOnce();
  impl_->easy = curl_easy_init();
}

Client::~Client() { curl_easy_cleanup(impl_->easy); }

StatusOr<ClientResponse> Client::Do(const ClientRequest& request) {
  CURL* easy = impl_->easy;
  if (easy == nullptr) return Internal("libcurl could not be set up");
  curl_easy_reset(easy);  // keeps open connections
  impl_->error[0] = '\0';
  Transfer transfer;
  transfer.request = &request;
  HeaderList headers;
  SetHeaders(request, headers);
  SetMethodAndBody(easy, request, transfer);
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.list);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, impl_->error);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L * 1024);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 1024L * 1024);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &OnData);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, request.cancelled ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
  if (IsLoopback(request.url)) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  const CURLcode code = curl_easy_perform(easy);
  if (code != CURLE_OK) return FromCurl(easy, code, transfer, impl_->error);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  return std::move(transfer.response);
}

}  // namespace vora::http
