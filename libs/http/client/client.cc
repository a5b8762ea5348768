#include "libs/http/client/client.h"

#include "libs/curl/handle.h"

namespace vora::http {
namespace {

struct Transfer {
  const ClientRequest* request = nullptr;
  ClientResponse response;
  Status failure;  // why a function of the request ended the transfer

  size_t Take(std::string_view piece) {
    if (!request->on_data) {
      response.body.append(piece);
      return piece.size();
    }
    if (request->on_data(piece)) return piece.size();
    failure = Cancelled("the receiver ended the transfer");
    return 0;
  }
};

size_t OnRead(char* buffer, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  auto filled = transfer->request->upload(buffer, size * count);
  if (filled.ok()) return *filled;
  transfer->failure = filled.status();
  return CURL_READFUNC_ABORT;
}

void SetMethodAndBody(curl::Handle& handle, const ClientRequest& request, Transfer& transfer) {
  if (request.upload) {
    handle.Set(CURLOPT_UPLOAD, 1L);
    handle.Set(CURLOPT_READFUNCTION, &OnRead);
    handle.Set(CURLOPT_READDATA, &transfer);
    handle.Set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.upload_size.value_or(-1)));
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH") {
    handle.Body(request.body);
  }
  handle.Method(request.method);
}

}  // namespace

struct Client::Impl {
  curl::Handle handle;
};

Client::Client() : impl_(std::make_unique<Impl>()) {}

Client::~Client() = default;

StatusOr<ClientResponse> Client::Do(const ClientRequest& request) {
  curl::Handle& handle = impl_->handle;
  if (!handle.ok()) return Internal("libcurl could not be set up");
  Transfer transfer;
  transfer.request = &request;
  handle.Begin(request.url);
  for (const auto& [name, value] : request.headers.all()) handle.AddHeader(name, value);
  // libcurl would call a body a web form (application/x-www-form-urlencoded).
  if (!request.headers.Has("Content-Type")) handle.OmitHeader("Content-Type");
  SetMethodAndBody(handle, request, transfer);
  handle.Timeouts(request.timeout, request.connect_timeout);
  handle.Set(CURLOPT_BUFFERSIZE, 256L * 1024);
  handle.Set(CURLOPT_UPLOAD_BUFFERSIZE, 1024L * 1024);
  handle.OnBody([&transfer](std::string_view piece) { return transfer.Take(piece); });
  if (request.cancelled) handle.CancelWhen(request.cancelled);
  const Status sent = handle.Perform(request.method + " " + request.url);
  // Before libcurl's own word, which is only that a callback ended the transfer.
  if (!transfer.failure.ok()) return transfer.failure;
  VORA_RETURN_IF_ERROR(sent);
  transfer.response.status = handle.http_status();
  for (const auto& [name, value] : handle.head().all()) transfer.response.headers.Add(name, value);
  return std::move(transfer.response);
}

}  // namespace vora::http
