#include "libs/curl/handle.h"

#include "libs/curl/url.h"

namespace vora::curl {
namespace {

CURL* NewHandle() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  return ready == CURLE_OK ? curl_easy_init() : nullptr;
}

size_t OnHeaderLine(char* bytes, size_t size, size_t count, void* head) {
  static_cast<ResponseHead*>(head)->Add({bytes, size * count});
  return size * count;
}

size_t OnBodyPiece(char* bytes, size_t size, size_t count, void* take) {
  return (*static_cast<std::function<size_t(std::string_view)>*>(take))({bytes, size * count});
}

int OnProgress(void* cancelled, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return (*static_cast<std::function<bool()>*>(cancelled))() ? 1 : 0;
}

}  // namespace

void List::Add(const std::string& line) {
  if (curl_slist* longer = curl_slist_append(list_, line.c_str())) list_ = longer;
}

void List::Clear() {
  curl_slist_free_all(list_);
  list_ = nullptr;
}

Handle::Handle() : easy_(NewHandle()) {}

Handle::~Handle() { curl_easy_cleanup(easy_); }

void Handle::Begin(const std::string& url) {
  curl_easy_reset(easy_);  // keeps open connections
  headers_.Clear();
  head_ = ResponseHead();
  take_ = nullptr;
  cancelled_ = nullptr;
  error_[0] = '\0';
  Set(CURLOPT_URL, url.c_str());
  // libcurl also knows file:, ftp: and others, which no URL from outside may reach.
  Set(CURLOPT_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  // libcurl would fold `.` and `..` away: what is signed or was checked must be what is sent.
  Set(CURLOPT_PATH_AS_IS, 1L);
  // Else time limits on looking up names work by SIGALRM, which hits any thread.
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_ERRORBUFFER, error_.data());
  Set(CURLOPT_HEADERFUNCTION, &OnHeaderLine);
  Set(CURLOPT_HEADERDATA, &head_);
  // A proxy of the environment must not stand between two parts on one machine.
  if (const auto parsed = ParseHttpUrl(url); parsed && parsed->local) Set(CURLOPT_PROXY, "");
}

// libcurl takes `Name;` for a header without a value, and `Name:` for one that it is to leave out.
void Handle::AddHeader(std::string_view name, std::string_view value) {
  std::string line(name);
  line += value.empty() ? ";" : ": ";
  headers_.Add(line.append(value));
  Set(CURLOPT_HTTPHEADER, headers_.get());
}

void Handle::OmitHeader(std::string_view name) {
  headers_.Add(std::string(name) + ":");
  Set(CURLOPT_HTTPHEADER, headers_.get());
}

void Handle::Method(const std::string& method) {
  // A custom method alone would wait for the body that Content-Length promises.
  if (method == "HEAD") Set(CURLOPT_NOBODY, 1L);
  Set(CURLOPT_CUSTOMREQUEST, method.c_str());
}

void Handle::Body(std::string_view body) {
  Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  // A null pointer would make libcurl ask a read function for the body.
  Set(CURLOPT_POSTFIELDS, body.empty() ? "" : body.data());
}

void Handle::Timeouts(std::chrono::milliseconds total, std::chrono::milliseconds connect) {
  Set(CURLOPT_TIMEOUT_MS, static_cast<long>(total.count()));
  Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect.count()));
}

void Handle::OnBody(std::function<size_t(std::string_view)> take) {
  take_ = std::move(take);
  Set(CURLOPT_WRITEFUNCTION, &OnBodyPiece);
  Set(CURLOPT_WRITEDATA, &take_);
}

void Handle::CancelWhen(std::function<bool()> asked) {
  cancelled_ = std::move(asked);
  Set(CURLOPT_NOPROGRESS, 0L);
  Set(CURLOPT_XFERINFOFUNCTION, &OnProgress);
  Set(CURLOPT_XFERINFODATA, &cancelled_);
}

Status Handle::Perform(std::string_view peer) { return ToStatus(curl_easy_perform(easy_), peer); }

Status Handle::ToStatus(CURLcode code, std::string_view peer) const {
  if (code == CURLE_OK) return absl::OkStatus();
  const std::string text = std::string(peer) + ": " + (error_[0] != '\0' ? error_.data() : curl_easy_strerror(code));
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: {
      curl_off_t reached = 0;
      // 0 until the peer is connected, TLS included: before that nothing was asked of it.
      curl_easy_getinfo(easy_, CURLINFO_PRETRANSFER_TIME_T, &reached);
      return reached == 0 ? Unavailable(text) : DeadlineExceeded(text);
    }
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_WRITE_ERROR:
      return Cancelled(text);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return InvalidArgument(text);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return FailedPrecondition(text);
    case CURLE_OUT_OF_MEMORY:
      return ResourceExhausted(text);
    default:
      return Unavailable(text);
  }
}

int Handle::http_status() const {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

}  // namespace vora::curl
