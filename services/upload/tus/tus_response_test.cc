#include "services/upload/tus/tus_response.h"

#include <gtest/gtest.h>

#include "libs/core/error.h"

namespace vora::upload {
namespace {

UploadDoc Doc() {
  UploadDoc doc;
  doc.upload_id = std::string(32, 'a');
  doc.offset = 5;
  doc.length = 10;
  doc.expires_unix_ms = 784111777000;
  return doc;
}

TEST(TusResponseTest, OptionsTellsEverything) {
  http::Response response = OptionsResponse(1000);
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.headers.Get("Tus-Version"), "1.0.0");
  EXPECT_EQ(response.headers.Get("Tus-Extension"), "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration");
  EXPECT_EQ(response.headers.Get("Tus-Max-Size"), "1000");
  EXPECT_EQ(response.headers.Get("Tus-Checksum-Algorithm"), "sha1,sha256,crc32");
  EXPECT_NE(response.headers.GetOr("Access-Control-Allow-Headers", "").find("Upload-Checksum"), std::string::npos);
  EXPECT_NE(response.headers.GetOr("Access-Control-Allow-Methods", "").find("PATCH"), std::string::npos);
}

TEST(TusResponseTest, RefusalsCarryWhatTheClientNeeds) {
  EXPECT_EQ(Refuse(MakeError(errors::kUnsupportedTusVersion, "m")).headers.Get("Tus-Version"), "1.0.0");
  EXPECT_EQ(Refuse(MakeError(errors::kDraining, "m", {.retry_after = 2})).headers.Get("Retry-After"), "2");
  EXPECT_EQ(Refuse(MakeError(errors::kOffsetConflict, "m", {.offset = 7})).headers.Get("Upload-Offset"), "7");
  http::Response mismatch = Refuse(MakeError(errors::kChecksumMismatch, "it differs", {.field = "Upload-Checksum"}));
  EXPECT_EQ(mismatch.status, 460);
  EXPECT_NE(mismatch.body.find("it differs"), std::string::npos);
}

TEST(TusResponseTest, HeadShowsLengthOrThatItIsDeferred) {
  UploadDoc doc = Doc();
  http::Response known = HeadResponse(doc);
  EXPECT_EQ(known.headers.Get("Upload-Offset"), "5");
  EXPECT_EQ(known.headers.Get("Upload-Length"), "10");
  EXPECT_FALSE(known.headers.Has("Upload-Defer-Length"));
  EXPECT_FALSE(known.headers.Has("Upload-Metadata"));
  EXPECT_EQ(known.headers.Get("Upload-Expires"), "Sun, 06 Nov 1994 08:49:37 GMT");
  doc.length.reset();
  doc.metadata_header = "a YQ==";
  http::Response deferred = HeadResponse(doc);
  EXPECT_EQ(deferred.headers.Get("Upload-Defer-Length"), "1");
  EXPECT_FALSE(deferred.headers.Has("Upload-Length"));
  EXPECT_EQ(deferred.headers.Get("Upload-Metadata"), "a YQ==");
}

TEST(TusResponseTest, FinishedUploadsDoNotExpire) {
  UploadDoc doc = Doc();
  doc.state = State::kUploaded;
  EXPECT_FALSE(PatchedResponse(doc).headers.Has("Upload-Expires"));
}

TEST(TusResponseTest, CorsOnlyForAllowedOrigins) {
  http::Response none = http::Response::Empty(204);
  AddStandingHeaders("", {"*"}, none);
  EXPECT_EQ(none.headers.Get("Tus-Resumable"), "1.0.0");
  EXPECT_EQ(none.headers.Get("Cache-Control"), "no-store");
  EXPECT_FALSE(none.headers.Has("Access-Control-Allow-Origin"));
  http::Response any = http::Response::Empty(204);
  AddStandingHeaders("https://a", {"*"}, any);
  EXPECT_EQ(any.headers.Get("Access-Control-Allow-Origin"), "*");
  EXPECT_NE(any.headers.GetOr("Access-Control-Expose-Headers", "").find("Upload-Offset"), std::string::npos);
  http::Response listed = http::Response::Empty(204);
  AddStandingHeaders("https://a", {"https://a"}, listed);
  EXPECT_EQ(listed.headers.Get("Access-Control-Allow-Origin"), "https://a");
  http::Response other = http::Response::Empty(204);
  AddStandingHeaders("https://b", {"https://a"}, other);
  EXPECT_FALSE(other.headers.Has("Access-Control-Allow-Origin"));
  EXPECT_EQ(other.headers.Get("Vary"), "Origin");
}

}  // namespace
}  // namespace vora::upload
