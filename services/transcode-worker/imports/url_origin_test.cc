#include "services/transcode-worker/imports/url_origin.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/core/error.h"
#include "libs/rpc/testing/test_authority.h"
#include "libs/rpc/testing/tls_web_server.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"
#include "services/transcode-worker/imports/import_matchers_test.h"
#include "services/transcode-worker/imports/scripted_server_test.h"

namespace vora::transcode {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using workflow::v1::PinnedFile;
using Clock = std::chrono::steady_clock;

constexpr char kV1[] = "ETag: \"v1\"";

class UrlOriginTest : public ::testing::Test {
 protected:
  void Serve(ScriptedServer::Answer answer) { server_ = std::make_unique<ScriptedServer>(std::move(answer)); }
  // To every request.
  void ServeAlways(std::string answer) {
    Serve([answer = std::move(answer)](const ScriptedRequest&) { return answer; });
  }
  std::unique_ptr<Origin> Open(const std::string& path = "/film.mp4", ImportOptions options = {.allow_private = true}) {
    return MakeUrlOrigin(server_->Url(path), options, [this] { return stopped_.load(); });
  }
  StatusOr<PinnedFile> Pin(const std::string& path = "/film.mp4") { return Open(path)->Pin(); }
  // What is read goes to read_.
  Status Read(const PinnedFile& file, int64_t offset) {
    read_.clear();
    return Open()->Read(file, offset, [this](std::string_view piece) {
      read_ += piece;
      return absl::OkStatus();
    });
  }
  PinnedFile File(const std::string& etag = "\"v1\"") const {
    PinnedFile file;
    file.set_etag(etag);
    file.set_size(static_cast<int64_t>(film_.size()));
    file.set_ranges(true);
    return file;
  }
  std::string Rest(int64_t offset) const { return film_.substr(static_cast<size_t>(offset)); }

  const std::string film_ = FilmOf(100'000);
  std::atomic<bool> stopped_{false};
  std::unique_ptr<ScriptedServer> server_;
  std::string read_;
};

TEST_F(UrlOriginTest, PinsByTheFirstBytes) {
  Serve([&](const ScriptedRequest& request) { return HttpFile(request, film_, kV1); });
  const auto file = Pin("/films/a%20b.mp4?token=x");
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->etag(), "\"v1\"");
  EXPECT_EQ(file->size(), 100'000);
  EXPECT_EQ(file->content_type(), "video/mp4");
  EXPECT_EQ(file->filename(), "a b.mp4");
  EXPECT_TRUE(file->ranges());
  EXPECT_EQ(file->source_key(), "") << "it has to be copied";
  EXPECT_EQ(file->settle_seconds(), 0);
  const auto requests = server_->requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].path, "/films/a%20b.mp4?token=x");
  EXPECT_EQ(requests[0].Header("Range"), "bytes=0-2047");
  EXPECT_EQ(requests[0].Header("Accept-Encoding"), "identity");
}

TEST_F(UrlOriginTest, PinsWhatHasNoRangesWithoutReadingItAll) {
  const std::string large = FilmOf(64 << 20);
  ServeAlways(HttpAnswer(200, std::string(kV1) + "\r\n", large));
  const auto file = Pin();
  ASSERT_THAT(file, IsOk());
  EXPECT_FALSE(file->ranges());
  EXPECT_EQ(file->size(), 64 << 20);
  EXPECT_EQ(file->etag(), "\"v1\"");
}

TEST_F(UrlOriginTest, PinsWhatSaysNoLength) {
  for (const std::string& answer : {HttpChunked("", film_), HttpChunked("", FilmOf(100)),
                                    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + film_, "HTTP/1.0 200 OK\r\n\r\n" + film_}) {
    ServeAlways(answer);
    const auto file = Pin();
    ASSERT_THAT(file, IsOk());
    EXPECT_EQ(file->size(), -1);
    EXPECT_FALSE(file->ranges());
    const PinnedFile& unknown = *file;
    ASSERT_THAT(Read(unknown, 0), IsOk());
    EXPECT_TRUE(read_ == film_ || read_ == FilmOf(100));
  }
  for (const bool validator : {true, false}) {
    const std::string etag = validator ? "ETag: \"v1\"\r\n" : "";
    Serve([&](const ScriptedRequest&) { return HttpAnswer(206, etag + "Content-Range: bytes 0-2047/*\r\n", film_.substr(0, 2048)); });
    const auto file = Pin();
    ASSERT_THAT(file, IsOk());
    EXPECT_EQ(file->size(), -1);
    EXPECT_EQ(file->ranges(), validator) << "pieces of two versions could be joined";
  }
}

TEST_F(UrlOriginTest, OnlyAStrongValidatorTellsVersionsApart) {
  const std::string modified = "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT";
  ServeAlways(HttpAnswer(200, "ETag: W/\"v1\"\r\n" + modified + "\r\n", film_));
  EXPECT_EQ(Pin()->etag(), "Mon, 01 Jan 2024 00:00:00 GMT");
  ServeAlways(HttpAnswer(200, "ETag: W/\"v1\"\r\n", film_));
  EXPECT_EQ(Pin()->etag(), "");
  Serve([&](const ScriptedRequest& request) { return HttpFile(request, film_, modified); });
  ASSERT_THAT(Read(File("Mon, 01 Jan 2024 00:00:00 GMT"), 5000), IsOk());
  EXPECT_EQ(server_->requests().back().Header("If-Range"), "Mon, 01 Jan 2024 00:00:00 GMT");
  EXPECT_EQ(read_, Rest(5000));
  ASSERT_THAT(Read(File(""), 5000), IsOk());
  EXPECT_EQ(server_->requests().back().Header("If-Range"), "");
  Serve([&](const ScriptedRequest& request) { return HttpFile(request, film_, "Last-Modified: Tue, 02 Jan 2024 00:00:00 GMT"); });
  EXPECT_THAT(Read(File("Mon, 01 Jan 2024 00:00:00 GMT"), 0), IsKind(errors::kImportChanged));
  EXPECT_THAT(Read(File("Mon, 01 Jan 2024 00:00:00 GMT"), 5000), IsKind(errors::kImportChanged));
  EXPECT_EQ(read_, "");
}

TEST_F(UrlOriginTest, ReadsFromAnyByteOn) {
  Serve([&](const ScriptedRequest& request) { return HttpFile(request, film_, kV1); });
  ASSERT_THAT(Read(File(), 0), IsOk());
  EXPECT_EQ(read_, film_);
  EXPECT_EQ(server_->requests().back().Header("Range"), "");
  for (const int64_t offset : {1, 40'000, 99'999}) {
    ASSERT_THAT(Read(File(), offset), IsOk()) << offset;
    EXPECT_EQ(read_, Rest(offset)) << offset;
    EXPECT_EQ(server_->requests().back().Header("Range"), "bytes=" + std::to_string(offset) + "-");
    EXPECT_EQ(server_->requests().back().Header("If-Range"), "\"v1\"");
  }
}

TEST_F(UrlOriginTest, WhatEachStatusMeans) {
  const std::map<int, const ErrorKind*> permanent = {
      {204, &errors::kImportNotAFile}, {400, &errors::kImportNotAFile}, {401, &errors::kImportRefused}, {403, &errors::kImportRefused},
      {404, &errors::kImportNotFound}, {405, &errors::kImportNotAFile}, {407, &errors::kImportRefused}, {410, &errors::kImportNotFound}};
  for (const auto& [status, kind] : permanent) {
    ServeAlways(HttpAnswer(status, "", status == 204 ? "" : "<html>a page about it</html>"));
    EXPECT_THAT(Pin(), IsKind(*kind)) << status;
    EXPECT_THAT(Read(File(), 0), IsKind(*kind)) << status;
    EXPECT_THAT(Read(File(), 10), IsKind(*kind)) << status;
    EXPECT_EQ(read_, "") << status;
  }
  for (const int status : {408, 425, 429, 500, 502, 503, 504}) {
    ServeAlways(HttpAnswer(status, "", "<html>a page about it</html>"));
    EXPECT_THAT(Pin(), Passes()) << status;
    EXPECT_THAT(Read(File(), 10), Passes()) << status;
    EXPECT_THAT(Read(File(), 0), StatusIs(StatusCode::kUnavailable, HasSubstr(std::to_string(status))));
    EXPECT_EQ(read_, "") << status;
  }
  ServeAlways(HttpAnswer(416, "Content-Range: bytes */0\r\n", "nothing"));
  EXPECT_THAT(Pin(), IsKind(errors::kImportNotAFile)) << "the file is empty";
  EXPECT_THAT(Read(File(), 10), IsKind(errors::kImportChanged)) << "it is shorter now";
}

TEST_F(UrlOriginTest, WhatIsNoFileWithAVideo) {
  const std::string xml = "<?xml version=\"1.0\"?>\n<!-- made by a packager -->\n";
  const std::pair<std::string, std::string> others[] = {
      {"text/html; charset=utf-8", "Please log in"},
      {"Text/HTML", "Please log in"},
      {"application/xhtml+xml", "Please log in"},
      {"video/mp4", "<!DOCTYPE html><title>Log in</title>"},
      {"", "\xEF\xBB\xBF \r\n\n\t<HTML><title>Log in</title>"},
      {"application/vnd.apple.mpegurl", "x"},
      {"application/x-mpegURL", "x"},
      {"audio/mpegurl", "x"},
      {"audio/x-mpegurl; charset=utf-8", "x"},
      {"text/plain", "#EXTM3U\n#EXT-X-VERSION:3\n"},
      {"application/octet-stream", "\xEF\xBB\xBF#EXTM3U\n"},
      {"application/dash+xml", "x"},
      {"text/xml", xml + "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\">"},
      {"", "\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\">"},
      {"application/json", "{\"error\": \"no such film\"}"},
  };
  for (const auto& [type, body] : others) {
    const std::string header = type.empty() ? "" : "Content-Type: " + type + "\r\n";
    ServeAlways(HttpAnswer(200, header, body));
    EXPECT_THAT(Pin(), IsKind(errors::kImportNotAFile)) << type << " " << body;
    const std::string of = "Content-Range: bytes 0-" + std::to_string(body.size() - 1) + "/" + std::to_string(body.size()) + "\r\n";
    ServeAlways(HttpAnswer(206, header + of, body));
    EXPECT_THAT(Pin(), IsKind(errors::kImportNotAFile)) << type << " " << body;
  }
  ServeAlways(HttpAnswer(200, "Content-Type: video/mp4\r\n", ""));
  EXPECT_THAT(Pin(), IsKind(errors::kImportNotAFile)) << "empty";
  // Whatever a server takes a film for, unless it can be none.
  for (const char* type : {"text/plain", "application/xml", "image/png", "application/octet-stream", "nonsense"}) {
    ServeAlways(HttpAnswer(200, "Content-Type: " + std::string(type) + "\r\n", film_));
    EXPECT_THAT(Pin(), IsOk()) << type;
  }
}

TEST_F(UrlOriginTest, AnAnswerThatIsCutMayBeTriedAgain) {
  const auto cut = [&](std::string answer) { return answer.substr(0, answer.find("\r\n\r\n") + 4 + film_.size() * 2 / 5); };
  Serve([&](const ScriptedRequest& request) { return cut(HttpFile(request, film_, kV1)); });
  EXPECT_THAT(Read(File(), 0), Passes());
  EXPECT_EQ(read_, film_.substr(0, 40'000));
  EXPECT_THAT(Read(File(), 10'000), Passes());
  EXPECT_EQ(read_, film_.substr(10'000, 40'000));
  ServeAlways(HttpChunked("", film_, /*whole=*/false));
  EXPECT_THAT(Read(File(""), 0), Passes());
  EXPECT_EQ(read_, film_);
  for (const char* answer : {"", "HTTP/1.1 200 O", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nabc",
                             "HTTP/1.1 302 Found\r\nLoca", "HTTP/1.1 404 Not Found\r\n"}) {
    ServeAlways(answer);
    EXPECT_THAT(Pin(), Passes()) << answer;
    EXPECT_THAT(Read(File(), 0), Passes()) << answer;
    EXPECT_THAT(Read(File(), 10), ::testing::AnyOf(Passes(), IsKind(errors::kImportChanged))) << answer;
    EXPECT_TRUE(read_ == "" || read_ == "abc") << answer;
  }
  const std::string url = server_->Url("/");
  server_.reset();
  EXPECT_THAT(MakeUrlOrigin(url, {.allow_private = true}, [] { return false; })->Pin(), Passes()) << "nobody listens";
}

TEST_F(UrlOriginTest, NoByteOfAnotherRangeIsBelieved) {
  const std::string piece = film_.substr(10'000);
  for (const char* range :
       {"bytes 0-99999/100000", "bytes 10001-99999/100000", "bytes */100000", "10000-99999/100000", "bytes 10000", ""}) {
    const std::string header = *range == '\0' ? "" : "Content-Range: " + std::string(range) + "\r\n";
    ServeAlways(HttpAnswer(206, header, piece));
    const Status status = Read(File(), 10'000);
    EXPECT_THAT(status, Passes()) << range;
    EXPECT_THAT(status, StatusIs(StatusCode::kUnavailable, HasSubstr("another range"))) << range;
    EXPECT_EQ(read_, "") << range;
  }
  for (const char* range : {"bytes 5-2052/100000", "bytes */100000", ""}) {
    ServeAlways(HttpAnswer(206, *range == '\0' ? "" : "Content-Range: " + std::string(range) + "\r\n", film_.substr(0, 2048)));
    EXPECT_THAT(Pin(), Passes()) << range;
  }
  // Less than was asked for is nothing that is wrong with it; who reads sees that it is not the end.
  ServeAlways(HttpAnswer(206, "Content-Range: bytes 10000-10009/100000\r\n", piece.substr(0, 10)));
  EXPECT_THAT(Read(File(), 10'000), IsOk());
  EXPECT_EQ(read_, piece.substr(0, 10));
}

TEST_F(UrlOriginTest, NoticesAnotherVersion) {
  const std::string longer = FilmOf(100'001);
  const ScriptedServer::Answer others[] = {
      [&](const ScriptedRequest& request) { return HttpFile(request, film_, "ETag: \"v2\""); },
      [&](const ScriptedRequest& request) { return HttpFile(request, longer, kV1); },
      // If-Range is not understood.
      [&](const ScriptedRequest& request) {
        const std::string range = request.Header("Range");
        const std::string of = "Content-Range: bytes " + range.substr(range.find('=') + 1) + "99999/100000\r\n";
        return HttpAnswer(range.empty() ? 200 : 206, "ETag: \"v2\"\r\n" + (range.empty() ? "" : of), film_);
      },
  };
  for (const auto& other : others) {
    Serve(other);
    for (const int64_t offset : {0, 10'000}) {
      const Status status = Read(File(), offset);
      EXPECT_THAT(status, IsKind(errors::kImportChanged)) << offset;
      EXPECT_FALSE(IsTransient(status));
      EXPECT_EQ(read_, "") << offset;
    }
  }
  ServeAlways(HttpAnswer(200, "", film_));
  EXPECT_THAT(Read(File(), 10'000), IsKind(errors::kImportChanged)) << "the whole file in place of a range";
  ServeAlways(HttpAnswer(200, "", ""));
  EXPECT_THAT(Read(File(), 0), IsKind(errors::kImportChanged)) << "empty by now";
  EXPECT_EQ(read_, "");
  // An ETag that changes with each request.
  std::atomic<int> version{0};
  Serve([&](const ScriptedRequest& request) { return HttpFile(request, film_, "ETag: \"v" + std::to_string(++version) + "\""); });
  const auto file = Pin();
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(Read(*file, 0), IsKind(errors::kImportChanged));
}

TEST_F(UrlOriginTest, MoreThanWasDeclaredIsNotOfTheFile) {
  ServeAlways(HttpAnswer(200, std::string(kV1) + "\r\n", film_) + "and more");
  ASSERT_THAT(Read(File(), 0), IsOk());
  EXPECT_EQ(read_, film_);
}

TEST_F(UrlOriginTest, EndsWhenTheTakerSaysNo) {
  Serve([&](const ScriptedRequest& request) { return HttpFile(request, film_, kV1); });
  int pieces = 0;
  const auto full = [&](std::string_view) { return ++pieces, ResourceExhausted("full"); };
  EXPECT_THAT(Open()->Read(File(), 0, full), StatusIs(StatusCode::kResourceExhausted, "full"));
  EXPECT_EQ(pieces, 1);
}

TEST_F(UrlOriginTest, AFileThatIsTooLargeIsNotBegun) {
  Serve([&](const ScriptedRequest& request) { return HttpFile(request, film_, kV1); });
  const auto file = Open("/", {.max_bytes = 99'999, .allow_private = true})->Pin();
  EXPECT_THAT(file, IsKind(errors::kImportTooLarge));
  EXPECT_EQ(DetailOf(file.status()).limit, "99999 bytes");
  EXPECT_THAT(Open("/", {.max_bytes = 100'000, .allow_private = true})->Pin(), IsOk());
}

TEST_F(UrlOriginTest, FollowsRedirectsUpToALimit) {
  for (const int status : {301, 302, 303, 307, 308}) {
    Serve([&](const ScriptedRequest& request) {
      return request.path == "/film.mp4" ? HttpRedirect("elsewhere/x.bin?a=1#part", status) : HttpFile(request, film_, kV1);
    });
    const auto file = Pin();
    ASSERT_THAT(file, IsOk()) << status;
    EXPECT_EQ(file->size(), 100'000);
    EXPECT_EQ(file->filename(), "film.mp4") << "of the URL that was given";
    ASSERT_THAT(Read(File(), 10'000), IsOk()) << status;
    EXPECT_EQ(read_, Rest(10'000));
    EXPECT_EQ(server_->requests().back().path, "/elsewhere/x.bin?a=1");
    EXPECT_EQ(server_->requests().back().Header("Range"), "bytes=10000-");
  }
  std::atomic<int> hops = 5;
  Serve([&](const ScriptedRequest& request) {
    const int n = request.path == "/film.mp4" ? 0 : std::stoi(request.path.substr(1));
    return n < hops ? HttpRedirect("http://" + request.Header("Host") + "/" + std::to_string(n + 1)) : HttpFile(request, film_, kV1);
  });
  EXPECT_THAT(Pin(), IsOk()) << "five, with whole URLs";
  EXPECT_EQ(server_->requests().size(), 6u);
  hops = 6;
  EXPECT_THAT(Pin(), IsKind(errors::kImportBadUrl));
  EXPECT_THAT(Read(File(), 0), StatusIs(StatusCode::kInvalidArgument, HasSubstr("more than 5 redirects")));
  EXPECT_EQ(server_->requests().size(), 18u);
}

TEST_F(UrlOriginTest, EachHopIsCheckedAsTheUrlWas) {
  for (const char* to : {"ftp://127.0.0.1/x", "file:///etc/passwd", "http://user:secret@127.0.0.1/x", "http://[::1", ""}) {
    ServeAlways(HttpRedirect(to));
    const auto file = Pin();
    EXPECT_THAT(file, IsKind(errors::kImportBadUrl)) << to;
    EXPECT_EQ(DetailOf(file.status()).field, "source.url");
    EXPECT_THAT(Read(File(), 0), IsKind(errors::kImportBadUrl)) << to;
    EXPECT_EQ(server_->requests().size(), 2u) << "not followed: " << to;
  }
  ServeAlways("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(Pin(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("no URL"))) << "without a Location";
}

TEST_F(UrlOriginTest, APrivateAddressIsNotAskedUnlessAllowed) {
  Serve([&](const ScriptedRequest& request) { return HttpFile(request, film_, kV1); });
  const auto file = Open("/", {})->Pin();
  EXPECT_THAT(file, IsKind(errors::kImportBadUrl));
  EXPECT_THAT(file, StatusIs(StatusCode::kInvalidArgument, HasSubstr("VORA_IMPORT_ALLOW_PRIVATE")));
  EXPECT_FALSE(IsTransient(file.status()));
  const auto take = [](std::string_view) { return absl::OkStatus(); };
  EXPECT_THAT(Open("/", {})->Read(File(), 0, take), IsKind(errors::kImportBadUrl));
  EXPECT_THAT(server_->requests(), IsEmpty());
  for (const char* bad : {"", "film.mp4", "ftp://127.0.0.1/", "http://me@127.0.0.1/"}) {
    EXPECT_THAT(MakeUrlOrigin(bad, {.allow_private = true}, [] { return false; })->Pin(), IsKind(errors::kImportBadUrl)) << bad;
  }
}

// A network of this thread's own, in which this machine has `address` and no other. False where that is not allowed.
bool EnterNetworkWith(const char* address) {
  if (unshare(CLONE_NEWNET) != 0) return false;
  const int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  sockaddr_in in{};
  in.sin_family = AF_INET;
  bool ok = inet_pton(AF_INET, address, &in.sin_addr) == 1;
  std::memcpy(&request.ifr_addr, &in, sizeof in);
  ok = ok && ioctl(control, SIOCSIFADDR, &request) == 0;
  request.ifr_flags = IFF_UP;
  ok = ok && ioctl(control, SIOCSIFFLAGS, &request) == 0;
  close(control);
  return ok;
}

TEST_F(UrlOriginTest, ARedirectDoesNotReachInside) {
  std::atomic<bool> skipped{false};
  std::thread([&] {
    if (skipped = !EnterNetworkWith("93.184.216.34"); skipped) return;
    const char* inside[] = {"http://127.0.0.1:1/",       "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/",
                            "http://[::1]:1/",           "http://0x7f.1:1/", "//192.168.1.1/x",
                            "http://[::ffff:127.0.0.1]/"};
    for (const std::string to : inside) {
      ScriptedServer server(
          [&](const ScriptedRequest& request) { return request.path == "/away" ? HttpRedirect(to) : HttpRedirect("/away"); },
          "93.184.216.34");
      const auto file = MakeUrlOrigin(server.Url("/"), {}, [] { return false; })->Pin();
      EXPECT_THAT(file, IsKind(errors::kImportBadUrl)) << to;
      EXPECT_THAT(file, StatusIs(StatusCode::kInvalidArgument, HasSubstr("not public"))) << to;
      EXPECT_EQ(server.requests().size(), 2u) << to;
    }
    ScriptedServer server([&](const ScriptedRequest& request) { return HttpFile(request, film_, kV1); }, "93.184.216.34");
    EXPECT_THAT(MakeUrlOrigin(server.Url("/"), {}, [] { return false; })->Pin(), IsOk()) << "a public one";
  }).join();
  if (skipped) GTEST_SKIP() << "needs the right to make a network namespace";
}

TEST_F(UrlOriginTest, AServerThatCannotProveWhoItIsIsNotRead) {
  const TempFolder folder;
  const rpc::testing::TlsWebServer server(rpc::testing::TestAuthority("Unknown CA").Issue(folder.path(), "film"), film_);
  const auto origin = MakeUrlOrigin(server.url(), {.allow_private = true}, [] { return false; });
  EXPECT_THAT(origin->Pin(), IsKind(errors::kImportBadUrl));
  EXPECT_THAT(origin->Pin(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("certificate")));
}

TEST_F(UrlOriginTest, WhatNeverAnswersEndsSoonWhenStopped) {
  const std::string begun = "HTTP/1.1 200 OK\r\n" + std::string(kV1) + "\r\nContent-Length: 100000\r\n\r\n" + film_.substr(0, 1000);
  for (const std::string& said : {std::string(), std::string("HTTP/1.1 200 OK\r\n"), begun}) {
    Clock::time_point stopped_at;
    Serve([&](const ScriptedRequest&) {
      stopped_at = Clock::now();
      stopped_ = true;
      return said + std::string(ScriptedServer::kSilence);
    });
    stopped_ = false;
    EXPECT_THAT(Pin(), StatusIs(StatusCode::kCancelled, "stopped"));
    EXPECT_LT(Clock::now() - stopped_at, std::chrono::seconds(3));
    stopped_ = false;
    EXPECT_THAT(Read(File(), 0), StatusIs(StatusCode::kCancelled, "stopped"));
    EXPECT_LT(Clock::now() - stopped_at, std::chrono::seconds(3));
  }
}

TEST_F(UrlOriginTest, NobodyNeedsToStopIt) {
  Serve([&](const ScriptedRequest& request) { return HttpFile(request, film_, kV1); });
  EXPECT_THAT(MakeUrlOrigin(server_->Url("/"), {.allow_private = true}, nullptr)->Pin(), IsOk());
}

}  // namespace
}  // namespace vora::transcode
