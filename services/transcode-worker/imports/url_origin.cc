#include "services/transcode-worker/imports/url_origin.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <absl/strings/numbers.h>

#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/core/version.h"
#include "libs/curl/handle.h"
#include "libs/curl/outbound.h"
#include "libs/curl/url.h"

namespace vora::transcode {
namespace {

constexpr int kMaxRedirects = 5;
constexpr size_t kSniff = 2048;
constexpr std::chrono::milliseconds kConnectTimeout{10'000};
constexpr std::chrono::milliseconds kPinTimeout{30'000};
// A server that drips would hold its place for ever.
constexpr long kLeastBytesPerSecond = 4096;
constexpr long kStallSeconds = 60;

bool IsRedirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

// "bytes 5-9/1000": where the piece begins, and the whole length, -1 when it is not told.
struct ContentRange {
  int64_t begin = 0, total = -1;
};
std::optional<ContentRange> ParseContentRange(std::string_view text) {
  if (!EqualsIgnoreCase(text.substr(0, 6), "bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const size_t dash = text.find('-'), slash = text.find('/');
  ContentRange range;
  if (dash == text.npos || slash == text.npos || !absl::SimpleAtoi(std::string(text.substr(0, dash)), &range.begin)) return std::nullopt;
  const std::string total(text.substr(slash + 1));
  if (total != "*" && !absl::SimpleAtoi(total, &range.total)) return std::nullopt;
  return range;
}

// By which a later answer is known to be of the same version. Only a strong one tells bytes apart (RFC 9110 section 8.8).
std::string ValidatorOf(const curl::ResponseHead& head) {
  const std::string& etag = head.Get("ETag");
  return !etag.empty() && !etag.starts_with("W/") ? etag : head.Get("Last-Modified");
}

int64_t LengthOf(const curl::ResponseHead& head) {
  int64_t length = -1;
  if (!head.Get("Content-Encoding").empty() || !absl::SimpleAtoi(head.Get("Content-Length"), &length)) return -1;
  return length;
}

// Why what is answered is no file that holds a video; empty when it may be one.
std::string WhyNotAFile(std::string_view content_type, std::string_view begin) {
  const std::string type = ToLower(TrimBlanks(content_type.substr(0, content_type.find(';'))));
  const std::string text = ToLower(begin.substr(begin.starts_with("\xEF\xBB\xBF") ? 3 : 0));
  const std::string_view first = std::string_view(text).substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (type == "text/html" || type == "application/xhtml+xml" || first.starts_with("<!doctype html") || first.starts_with("<html")) {
    return "a web page: does the file need a login?";
  }
  if (first.starts_with("#extm3u") || type == "application/vnd.apple.mpegurl" || type == "application/x-mpegurl" ||
      type == "audio/mpegurl" || type == "audio/x-mpegurl") {
    return "a playlist (HLS): give the address of the file that it was made of";
  }
  if (type == "application/dash+xml" || first.starts_with("<mpd") || (first.starts_with("<?xml") && first.find("<mpd") != first.npos)) {
    return "a manifest (DASH): give the address of the file that it was made of";
  }
  if (type == "application/json") return "JSON and no file";
  return {};
}

std::string FilenameOf(const std::string& url) {
  const auto parsed = curl::ParseHttpUrl(url);
  if (!parsed) return {};
  const std::string last = parsed->path.substr(parsed->path.rfind('/') + 1);
  return RepairUtf8(PercentDecode(last).value_or(last), 200);
}

class UrlOrigin final : public Origin {
 public:
  UrlOrigin(std::string url, const ImportOptions& options, std::function<bool()> stopped)
      : url_(std::move(url)), options_(options), stopped_(std::move(stopped)) {}

  StatusOr<workflow::v1::PinnedFile> Pin() override {
    std::string begin;
    Ask ask;
    ask.range = "bytes=0-" + std::to_string(kSniff - 1);
    ask.whole_timeout = kPinTimeout;
    // Of a server that gives no ranges the beginning is enough too.
    ask.take = [&](std::string_view piece) {
      begin += piece.substr(0, kSniff - begin.size());
      return begin.size() < kSniff ? absl::OkStatus() : Enough();
    };
    const auto answer = Get(ask);
    if (!answer.ok() && !IsEnough(answer.status())) return answer.status();
    const curl::ResponseHead& head = last_head_;
    workflow::v1::PinnedFile file;
    // Without anything that tells versions apart, pieces of two of them could be joined.
    file.set_ranges(last_status_ == 206 && !ValidatorOf(head).empty());
    file.set_size(-1);
    if (last_status_ == 206) {
      const auto range = ParseContentRange(head.Get("Content-Range"));
      if (!range || range->begin != 0) return Broken("its answer to a range has no valid Content-Range");
      file.set_size(range->total);
    } else if (last_status_ == 200) {
      file.set_size(LengthOf(head));
    }
    if (last_status_ == 416 || (last_status_ == 200 && file.size() == 0)) return NotAFile("nothing: the file is empty");
    if (const std::string why = WhyNotAFile(head.Get("Content-Type"), begin); !why.empty()) return NotAFile(why);
    if (file.size() > options_.max_bytes) return TooLarge("the file", options_.max_bytes);
    file.set_etag(ValidatorOf(head));
    file.set_content_type(RepairUtf8(head.Get("Content-Type"), 200));
    file.set_filename(FilenameOf(url_));
    return file;
  }

  Status Read(const workflow::v1::PinnedFile& file, int64_t offset, const std::function<Status(std::string_view)>& take) override {
    Status taken;
    bool checked = false;
    Ask ask;
    if (offset > 0) ask.range = "bytes=" + std::to_string(offset) + "-";
    if (offset > 0) ask.if_range = file.etag();
    ask.take = [&](std::string_view piece) {
      if (!std::exchange(checked, true)) taken = CheckSame(file, offset);
      if (taken.ok()) taken = take(piece);
      return taken;
    };
    const Status got = Get(ask).status();
    if (!taken.ok()) return taken;
    if (last_status_ == 416) return Changed();
    VORA_RETURN_IF_ERROR(got);
    return checked ? absl::OkStatus() : CheckSame(file, offset);
  }

 private:
  struct Ask {
    std::string range, if_range;  // headers; empty: none
    std::chrono::milliseconds whole_timeout{0};
    std::function<Status(std::string_view)> take;
  };

  static Status Enough() { return Cancelled("enough"); }
  static bool IsEnough(const Status& status) { return status.code() == StatusCode::kCancelled && vora::Message(status) == "enough"; }
  Status NotAFile(const std::string& what) const { return MakeError(errors::kImportNotAFile, "the URL answers " + what); }
  Status Changed() const { return MakeError(errors::kImportChanged, "the file behind the URL changed while it was read"); }
  Status Broken(const std::string& what) const { return Unavailable("the server of the URL: " + what); }

  // Of the answer's head, before any of its bytes are believed.
  Status CheckSame(const workflow::v1::PinnedFile& file, int64_t offset) const {
    const std::string validator = ValidatorOf(last_head_);
    if (!file.etag().empty() && !validator.empty() && validator != file.etag()) return Changed();
    if (last_status_ == 206) {
      const auto range = ParseContentRange(last_head_.Get("Content-Range"));
      if (!range || range->begin != offset) return Broken("it gave another range than was asked for");
      return file.size() >= 0 && range->total >= 0 && range->total != file.size() ? Changed() : absl::OkStatus();
    }
    // The whole file in place of a range is what If-Range gives of another version.
    if (offset > 0) return Changed();
    const int64_t length = LengthOf(last_head_);
    return file.size() >= 0 && length >= 0 && length != file.size() ? Changed() : absl::OkStatus();
  }

  Status OfHttpStatus(int status) const {
    const std::string said = "the URL answers HTTP " + std::to_string(status);
    if (status == 404 || status == 410) return MakeError(errors::kImportNotFound, said + ": there is no such file");
    if (status == 401 || status == 403 || status == 407)
      return MakeError(errors::kImportRefused, said + ": it may not be read, or no longer");
    if (status == 408 || status == 425 || status == 429 || status >= 500) return Unavailable(said);
    return MakeError(errors::kImportNotAFile, said);
  }

  // One GET, through at most kMaxRedirects redirects. last_status_ and last_head_ are those of the final answer.
  StatusOr<int> Get(const Ask& ask) {
    std::string url = url_;
    for (int hop = 0; hop <= kMaxRedirects; ++hop) {
      VORA_ASSIGN_OR_RETURN(const std::optional<std::string> next, GetOnce(url, ask));
      if (!next) return last_status_;
      url = *next;
    }
    return MakeError(errors::kImportBadUrl, "url: more than " + std::to_string(kMaxRedirects) + " redirects", {.field = "source.url"});
  }

  // The URL of a redirect, or nothing after an answer that was given to the end.
  StatusOr<std::optional<std::string>> GetOnce(const std::string& url, const Ask& ask) {
    // A handle of its own for each call: a kept connection would not be checked again.
    curl::Handle handle;
    if (!handle.ok()) return ResourceExhausted("no memory for a request");
    curl::OutboundCall guard(
        {.field = "source.url", .setting = "VORA_IMPORT_ALLOW_PRIVATE", .allow_private = options_.allow_private, .allow_http = true});
    if (const Status begun = guard.Begin(handle, url); !begun.ok()) return OfGuard(begun);
    handle.Method("GET");
    handle.AddHeader("User-Agent", "Vora/" + std::string(Version()));
    handle.AddHeader("Accept-Encoding", "identity");
    if (!ask.range.empty()) handle.AddHeader("Range", ask.range);
    if (!ask.if_range.empty()) handle.AddHeader("If-Range", ask.if_range);
    handle.Timeouts(ask.whole_timeout, kConnectTimeout);
    handle.Set(CURLOPT_LOW_SPEED_LIMIT, kLeastBytesPerSecond);
    handle.Set(CURLOPT_LOW_SPEED_TIME, kStallSeconds);
    if (stopped_) handle.CancelWhen(stopped_);
    Status taken;
    handle.OnBody([&](std::string_view piece) -> size_t {
      last_status_ = handle.http_status();
      // What an error or a redirect says besides is not read.
      if (last_status_ != 200 && last_status_ != 206) return 0;
      last_head_ = handle.head();
      taken = ask.take(piece);
      return taken.ok() ? piece.size() : 0;
    });
    const Status sent = handle.Perform(guard.host());
    if (const Status refused = guard.Refused(); !refused.ok()) return OfGuard(refused);
    if (stopped_ && stopped_()) return Cancelled("stopped");
    last_status_ = handle.http_status();
    last_head_ = handle.head();
    if (!taken.ok()) return taken;
    // libcurl takes a connection that is closed amid the head for one that ended with it.
    if (last_status_ != 0 && !last_head_.complete()) return Broken("its answer broke off");
    if (IsRedirect(last_status_)) {
      const std::string& location = last_head_.Get("Location");
      const auto next = location.empty() ? std::nullopt : curl::ResolveUrl(url, location);
      if (!next) return MakeError(errors::kImportBadUrl, "url: redirects to what is no URL", {.field = "source.url"});
      // A fragment is for who shows the page (RFC 9110 section 10.2.2).
      return std::optional<std::string>(next->substr(0, next->find('#')));
    }
    const bool answered = last_status_ == 200 || last_status_ == 206;
    if (last_status_ != 0 && !answered && last_status_ != 416) return OfHttpStatus(last_status_);
    if (sent.code() == StatusCode::kFailedPrecondition)
      return MakeError(errors::kImportBadUrl, "url: " + vora::Message(sent), {.field = "source.url"});
    if (!sent.ok() && !(last_status_ == 416)) return sent.code() == StatusCode::kDeadlineExceeded ? Unavailable(vora::Message(sent)) : sent;
    return std::optional<std::string>();
  }

  // A name that does not resolve now may later; an address that is not public never will.
  static Status OfGuard(const Status& status) {
    if (status.code() != StatusCode::kInvalidArgument) return status;
    return MakeError(errors::kImportBadUrl, vora::Message(status), {.field = "source.url"});
  }

  const std::string url_;
  const ImportOptions options_;
  const std::function<bool()> stopped_;
  int last_status_ = 0;
  curl::ResponseHead last_head_;
};

}  // namespace

std::unique_ptr<Origin> MakeUrlOrigin(std::string url, const ImportOptions& options, std::function<bool()> stopped) {
  return std::make_unique<UrlOrigin>(std::move(url), options, std::move(stopped));
}

}  // namespace vora::transcode
