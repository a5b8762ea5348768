// Every rule of tus 1.0.0 that Vora offers, over HTTP, on a real server and a real store.

#include <gtest/gtest.h>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/testing/status_matchers.h"
#include "services/upload/harness_test.h"

namespace vora::upload {
namespace {

class TusProtocolTest : public ::testing::Test {
 protected:
  TempFolder dir_;
  std::unique_ptr<storage::ObjectStore> store_ = OpenStore(dir_.path());
  UploadSettings settings_ = [] {
    UploadSettings settings = TestSettings();
    settings.max_bytes = 100 << 20;
    return settings;
  }();
  FakeClock clock_{std::chrono::system_clock::now()};
  Replica replica_{*store_, settings_, clock_};
  Tus tus_;
  std::string url_ = replica_.url();
};

std::string Base64Sum(std::string_view algorithm, std::string_view bytes) {
  std::unique_ptr<Digest> digest = Digest::Create(algorithm);
  digest->Update(bytes);
  return std::string(algorithm) + " " + Base64Encode(digest->Finish());
}

TEST_F(TusProtocolTest, OptionsAnnouncesWhatIsOffered) {
  http::ClientResponse response = tus_.Send("OPTIONS", url_, {{"Origin", "https://app.example"}});
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.headers.Get("Tus-Version"), "1.0.0");
  EXPECT_EQ(response.headers.Get("Tus-Max-Size"), std::to_string(100 << 20));
  EXPECT_EQ(response.headers.Get("Access-Control-Allow-Origin"), "*");
  EXPECT_NE(response.headers.GetOr("Access-Control-Allow-Headers", "").find("Upload-Offset"), std::string::npos);
  EXPECT_EQ(tus_.Send("OPTIONS", url_ + std::string(32, 'a'), {}).status, 204);
}

TEST_F(TusProtocolTest, ErrorsAreReadableForBrowsersToo) {
  http::ClientResponse response = tus_.Send("POST", url_, {{"Origin", "https://app.example"}, {"Tus-Resumable", "1.0.0"}});
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.headers.Get("Access-Control-Allow-Origin"), "*");
  EXPECT_NE(response.headers.GetOr("Access-Control-Expose-Headers", "").find("Location"), std::string::npos);
  EXPECT_NE(response.body.find("Upload-Length"), std::string::npos);
}

TEST_F(TusProtocolTest, AnotherVersionIsRefusedEverywhere) {
  std::string upload = tus_.Create(url_, 5);
  for (const std::string method : {"POST", "PATCH", "HEAD", "DELETE"}) {
    for (const Tus::Fields& fields : {Tus::Fields{}, Tus::Fields{{"Tus-Resumable", "0.2.2"}}}) {
      http::ClientResponse response = tus_.Send(method, method == "POST" ? url_ : upload, fields);
      EXPECT_EQ(response.status, 412) << method;
      EXPECT_EQ(response.headers.Get("Tus-Version"), "1.0.0") << method;
    }
  }
  EXPECT_EQ(tus_.Offset(upload), 0);
}

TEST_F(TusProtocolTest, PiecesBecomeOneObject) {
  const std::string bytes = RandomBytes(20'000'003);
  std::string upload = tus_.Create(url_, bytes.size(), {{"Upload-Metadata", "filename d29ybGQ=,filetype dmlkZW8vbXA0"}});
  int64_t offset = 0;
  for (size_t piece : {size_t{1}, size_t{8 << 20}, size_t{5}, size_t{3'000'000}, bytes.size()}) {
    std::string_view rest = std::string_view(bytes).substr(static_cast<size_t>(offset), piece);
    http::ClientResponse response = tus_.Patch(upload, offset, rest);
    ASSERT_EQ(response.status, 204) << response.body;
    offset += static_cast<int64_t>(rest.size());
    EXPECT_EQ(OffsetOf(response), offset);
    EXPECT_EQ(response.headers.Has("Upload-Expires"), offset < static_cast<int64_t>(bytes.size()));
    http::ClientResponse head = tus_.Head(upload);
    EXPECT_EQ(OffsetOf(head), offset);
    EXPECT_EQ(head.headers.Get("Upload-Length"), std::to_string(bytes.size()));
    EXPECT_EQ(head.headers.Get("Upload-Metadata"), "filename d29ybGQ=,filetype dmlkZW8vbXA0");
    EXPECT_EQ(head.headers.Get("Cache-Control"), "no-store");
  }
  EXPECT_EQ(Sha256(Original(*store_, upload)), Sha256(bytes));
  EXPECT_EQ(store_->Head("raw/" + IdOf(upload) + "/original")->content_type, "video/mp4");
  // Nothing but object and state is left, and the state knows the digest.
  EXPECT_EQ(Keys(*store_, "raw/"), (std::vector<std::string>{"raw/" + IdOf(upload) + "/original", "raw/" + IdOf(upload) + "/state"}));
  EXPECT_TRUE(Keys(*store_, "open/").empty());
  StatusOr<UploadDoc> doc = FromJson(*store_->Get("raw/" + IdOf(upload) + "/state"));
  EXPECT_EQ(doc->state, State::kUploaded);
  EXPECT_EQ(doc->sha256, HexEncode(Sha256(bytes)));
  // Repeating the last request changes nothing; more bytes are refused.
  EXPECT_EQ(tus_.Patch(upload, offset, "").status, 204);
  EXPECT_EQ(tus_.Patch(upload, offset, "x").status, 413);
}

TEST_F(TusProtocolTest, SmallUploadsNeedNoMultipart) {
  std::string upload = tus_.Create(url_, 11);
  EXPECT_EQ(tus_.Patch(upload, 0, "hello ").status, 204);
  EXPECT_EQ(tus_.Patch(upload, 6, "world").status, 204);
  EXPECT_EQ(Original(*store_, upload), "hello world");
}

TEST_F(TusProtocolTest, RefusedPatchesLeaveTheUploadAlone) {
  std::string upload = tus_.Create(url_, 10);
  ASSERT_EQ(tus_.Patch(upload, 0, "12345").status, 204);
  http::ClientResponse conflict = tus_.Patch(upload, 3, "45678");
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(conflict.headers.Get("Upload-Offset"), "5");
  EXPECT_EQ(replica_.Metric("vora_upload_offset_conflicts_total"), 1);
  EXPECT_EQ(tus_.Patch(upload, 6, "x").status, 409);
  EXPECT_EQ(tus_.Patch(upload, -1, "x").status, 400);
  EXPECT_EQ(tus_.Patch(upload, 5, "678901").status, 413);
  EXPECT_EQ(tus_.Send("PATCH", upload, {{"Tus-Resumable", "1.0.0"}, {"Upload-Offset", "5"}, {"Content-Type", "text/plain"}}, "x").status,
            415);
  EXPECT_EQ(tus_.Send("GET", upload, {{"Tus-Resumable", "1.0.0"}}).status, 405);
  EXPECT_EQ(tus_.Send("PUT", url_, {{"Tus-Resumable", "1.0.0"}}).status, 405);
  EXPECT_EQ(tus_.Offset(upload), 5);
  EXPECT_EQ(tus_.Patch(upload, 5, "67890").status, 204);
  EXPECT_EQ(Original(*store_, upload), "1234567890");
}

TEST_F(TusProtocolTest, UnknownUploads) {
  for (const std::string& id : {std::string(32, 'a'), std::string("nope"), std::string(31, 'a') + "A", std::string("..%2f..%2fetc")}) {
    int expected = id.find('%') == std::string::npos ? 404 : 400;
    EXPECT_EQ(tus_.Head(url_ + id).status, expected) << id;
    EXPECT_EQ(tus_.Patch(url_ + id, 0, "x").status, expected) << id;
    EXPECT_EQ(tus_.Delete(url_ + id).status, expected) << id;
  }
}

TEST_F(TusProtocolTest, TooLargeIsRefusedAtTheStart) {
  EXPECT_EQ(tus_.Post(url_, {{"Upload-Length", std::to_string((100 << 20) + 1)}}).status, 413);
  std::string deferred = tus_.Create(url_, std::nullopt);
  EXPECT_EQ(tus_.Patch(deferred, 0, "x", {{"Upload-Length", std::to_string((100 << 20) + 1)}}).status, 413);
}

TEST_F(TusProtocolTest, BadMetadataNamesTheKey) {
  http::ClientResponse response = tus_.Post(url_, {{"Upload-Length", "5"}, {"Upload-Metadata", "title !!"}});
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("title"), std::string::npos) << response.body;
  EXPECT_TRUE(Keys(*store_, "raw/").empty());
}

TEST_F(TusProtocolTest, CreationWithUpload) {
  const Tus::Fields fields{{"Upload-Length", "10"}, {"Content-Type", "application/offset+octet-stream"}};
  http::ClientResponse part = tus_.Post(url_, fields, "1234");
  EXPECT_EQ(part.status, 201);
  EXPECT_EQ(part.headers.Get("Upload-Offset"), "4");
  std::string upload = part.headers.GetOr("Location", "");
  EXPECT_EQ(tus_.Patch(upload, 4, "567890").status, 204);
  EXPECT_EQ(Original(*store_, upload), "1234567890");
  http::ClientResponse whole = tus_.Post(url_, fields, "abcdefghij");
  EXPECT_EQ(whole.headers.Get("Upload-Offset"), "10");
  EXPECT_EQ(Original(*store_, whole.headers.GetOr("Location", "")), "abcdefghij");
  EXPECT_EQ(tus_.Post(url_, {{"Upload-Length", "10"}, {"Content-Type", "text/plain"}}, "1234").status, 415);
  EXPECT_EQ(tus_.Post(url_, fields, "12345678901").status, 413);
}

TEST_F(TusProtocolTest, EmptyUploadIsFinishedAtOnce) {
  std::string upload = tus_.Create(url_, 0);
  EXPECT_EQ(Original(*store_, upload), "");
  EXPECT_EQ(store_->Head("raw/" + IdOf(upload) + "/original")->size, 0);
  EXPECT_EQ(tus_.Offset(upload), 0);
  EXPECT_EQ(replica_.Metric("vora_upload_finished_total{result=\"uploaded\"}"), 1);
}

TEST_F(TusProtocolTest, DeferredLength) {
  std::string upload = tus_.Create(url_, std::nullopt);
  EXPECT_EQ(tus_.Head(upload).headers.Get("Upload-Defer-Length"), "1");
  EXPECT_EQ(tus_.Patch(upload, 0, "12345").status, 204);
  EXPECT_EQ(tus_.Patch(upload, 5, "", {{"Upload-Length", "3"}}).status, 400);
  EXPECT_EQ(tus_.Patch(upload, 5, "67", {{"Upload-Length", "10"}}).status, 204);
  http::ClientResponse head = tus_.Head(upload);
  EXPECT_EQ(head.headers.Get("Upload-Length"), "10");
  EXPECT_FALSE(head.headers.Has("Upload-Defer-Length"));
  EXPECT_EQ(tus_.Patch(upload, 7, "8", {{"Upload-Length", "11"}}).status, 400);
  EXPECT_EQ(tus_.Patch(upload, 7, "890").status, 204);
  EXPECT_EQ(Original(*store_, upload), "1234567890");
  // Declared only when everything is there already, and after whole parts.
  const std::string bytes = RandomBytes((8 << 20) + 77);
  std::string late = tus_.Create(url_, std::nullopt);
  EXPECT_EQ(tus_.Patch(late, 0, bytes).status, 204);
  EXPECT_EQ(tus_.Patch(late, static_cast<int64_t>(bytes.size()), "", {{"Upload-Length", std::to_string(bytes.size())}}).status, 204);
  EXPECT_EQ(Sha256(Original(*store_, late)), Sha256(bytes));
}

TEST_F(TusProtocolTest, MethodOverride) {
  std::string upload = tus_.Create(url_, 5);
  http::ClientResponse patched = tus_.Post(
      upload, {{"X-HTTP-Method-Override", "PATCH"}, {"Upload-Offset", "0"}, {"Content-Type", "application/offset+octet-stream"}}, "12345");
  EXPECT_EQ(patched.status, 204);
  EXPECT_EQ(Original(*store_, upload), "12345");
}

TEST_F(TusProtocolTest, ChunkedBodies) {
  std::string upload = tus_.Create(url_, 10);
  const std::string head = "PATCH /files/" + IdOf(upload) +
                           " HTTP/1.1\r\nHost: t\r\nTus-Resumable: 1.0.0\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
                           "Content-Type: application/offset+octet-stream\r\nUpload-Offset: ";
  RawConnection good(replica_.port());
  good.Send(head + "0\r\n\r\n4\r\n1234\r\n3\r\n567\r\n0\r\n\r\n");
  EXPECT_NE(good.ReadAll().find("204 No Content"), std::string::npos);
  RawConnection too_long(replica_.port());
  too_long.Send(head + "7\r\n\r\n4\r\n8901\r\n0\r\n\r\n");
  EXPECT_NE(too_long.ReadAll().find(" 413 "), std::string::npos);
  EXPECT_EQ(tus_.Offset(upload), 7) << "a body that is too long is dropped whole";
  EXPECT_EQ(tus_.Patch(upload, 7, "890").status, 204);
  EXPECT_EQ(Original(*store_, upload), "1234567890");
}

TEST_F(TusProtocolTest, ChecksumsAreAllOrNothing) {
  const std::string bytes = RandomBytes(18 << 20);
  const std::string_view first = std::string_view(bytes).substr(0, 17 << 20);
  const std::string_view second = std::string_view(bytes).substr(17 << 20);
  std::string upload = tus_.Create(url_, bytes.size());
  EXPECT_EQ(tus_.Patch(upload, 0, first, {{"Upload-Checksum", "md5 1B2M2Y8AsgTpgAmY7PhCfg=="}}).status, 400);
  std::string damaged(first);
  damaged[damaged.size() / 2] ^= 1;
  http::ClientResponse mismatch = tus_.Patch(upload, 0, damaged, {{"Upload-Checksum", Base64Sum("sha1", first)}});
  EXPECT_EQ(mismatch.status, 460);
  EXPECT_NE(mismatch.body.find("Upload-Checksum"), std::string::npos);
  EXPECT_EQ(tus_.Offset(upload), 0) << "parts of it were in the store already, but nothing counts";
  EXPECT_EQ(tus_.Patch(upload, 0, first, {{"Upload-Checksum", Base64Sum("sha256", first)}}).status, 204);
  EXPECT_EQ(tus_.Patch(upload, 17 << 20, second, {{"Upload-Checksum", Base64Sum("crc32", first)}}).status, 460);
  EXPECT_EQ(tus_.Offset(upload), 17 << 20);
  EXPECT_EQ(tus_.Patch(upload, 17 << 20, second, {{"Upload-Checksum", Base64Sum("crc32", second)}}).status, 204);
  EXPECT_EQ(Sha256(Original(*store_, upload)), Sha256(bytes));
}

TEST_F(TusProtocolTest, WholeFileDigestIsVerified) {
  const std::string bytes = RandomBytes(9 << 20);
  auto metadata = [](std::string_view hex) { return "sha256 " + Base64Encode(hex); };
  std::string right = tus_.Create(url_, bytes.size(), {{"Upload-Metadata", metadata(HexEncode(Sha256(bytes)))}});
  EXPECT_EQ(tus_.Patch(right, 0, bytes).status, 204);
  EXPECT_EQ(Sha256(Original(*store_, right)), Sha256(bytes));

  std::string wrong = tus_.Create(url_, bytes.size(), {{"Upload-Metadata", metadata(HexEncode(Sha256("other")))}});
  http::ClientResponse refused = tus_.Patch(wrong, 0, bytes);
  EXPECT_EQ(refused.status, 460);
  EXPECT_NE(refused.body.find(HexEncode(Sha256(bytes))), std::string::npos) << refused.body;
  EXPECT_EQ(tus_.Head(wrong).status, 410);
  EXPECT_EQ(tus_.Patch(wrong, 0, "x").status, 410);
  EXPECT_EQ(Keys(*store_, "raw/" + IdOf(wrong) + "/"), std::vector<std::string>{"raw/" + IdOf(wrong) + "/state"}) << "bytes are freed";
  StatusOr<UploadDoc> doc = FromJson(*store_->Get("raw/" + IdOf(wrong) + "/state"));
  EXPECT_EQ(doc->state, State::kFailed);
  EXPECT_TRUE(doc->bytes_freed);
  EXPECT_NE(doc->failure.find("SHA-256"), std::string::npos);
}

TEST_F(TusProtocolTest, Termination) {
  const std::string bytes = RandomBytes(9 << 20);
  std::string upload = tus_.Create(url_, bytes.size() + 1);
  ASSERT_EQ(tus_.Patch(upload, 0, bytes).status, 204);
  EXPECT_EQ(tus_.Delete(upload).status, 204);
  EXPECT_TRUE(Keys(*store_, "raw/").empty());
  EXPECT_TRUE(Keys(*store_, "open/").empty());
  EXPECT_EQ(tus_.Head(upload).status, 404);
  EXPECT_EQ(tus_.Delete(upload).status, 404);
  EXPECT_EQ(tus_.Patch(upload, static_cast<int64_t>(bytes.size()), "x").status, 404);
  std::string finished = tus_.Create(url_, 0);
  EXPECT_EQ(tus_.Delete(finished).status, 403);
  EXPECT_EQ(tus_.Offset(finished), 0);
}

TEST_F(TusProtocolTest, UnfinishedUploadsExpire) {
  std::string idle = tus_.Create(url_, 10);
  std::string busy = tus_.Create(url_, 10);
  std::string done = tus_.Create(url_, 0);
  ASSERT_EQ(tus_.Patch(idle, 0, "12345").status, 204);
  clock_.Advance(std::chrono::hours(23));
  ASSERT_EQ(tus_.Patch(busy, 0, "12345").status, 204);
  clock_.Advance(std::chrono::hours(2));
  EXPECT_EQ(tus_.Head(idle).status, 410) << "also before any sweep";
  EXPECT_EQ(tus_.Patch(idle, 5, "67890").status, 410);
  ASSERT_THAT(replica_.app().Sweep(), IsOk());
  EXPECT_EQ(tus_.Head(idle).status, 410);
  EXPECT_EQ(Keys(*store_, "raw/" + IdOf(idle) + "/"), std::vector<std::string>{"raw/" + IdOf(idle) + "/state"});
  EXPECT_EQ(replica_.Metric("vora_upload_finished_total{result=\"expired\"}"), 1);
  EXPECT_EQ(tus_.Offset(busy), 5) << "bytes arrived in time";
  clock_.Advance(std::chrono::hours(25));
  ASSERT_THAT(replica_.app().Sweep(), IsOk());
  EXPECT_EQ(tus_.Head(idle).status, 404) << "forgotten";
  EXPECT_EQ(tus_.Offset(done), 0) << "finished uploads stay";
}

TEST_F(TusProtocolTest, LocationFollowsTheProxy) {
  http::ClientResponse response =
      tus_.Post(url_, {{"Upload-Length", "5"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "video.example"}});
  EXPECT_EQ(response.headers.GetOr("Location", "").find("https://video.example/files/"), 0u);
}

TEST(TusLimitsTest, AsManyUploadsAsAllowed) {
  TempFolder dir;
  std::unique_ptr<storage::ObjectStore> store = OpenStore(dir.path());
  UploadSettings settings = TestSettings();
  settings.max_active = 1;
  Replica replica(*store, settings);
  Tus tus;
  std::string first = tus.Create(replica.url(), 10);
  std::string second = tus.Create(replica.url(), 5);
  RawConnection holder(replica.port());
  holder.Send(PatchHead(first, 0, 10) + "12345");
  WaitFor("the first upload is active", [&] { return replica.Metric("vora_upload_bytes_total") == 5; });
  http::ClientResponse refused = tus.Patch(second, 0, "12345");
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.headers.Has("Retry-After"));
  holder.Send("67890");
  EXPECT_NE(holder.ReadAll().find(" 204 "), std::string::npos);
  EXPECT_EQ(tus.Patch(second, 0, "12345").status, 204);
  EXPECT_EQ(replica.Metric("vora_upload_active"), 0);
}

}  // namespace
}  // namespace vora::upload
