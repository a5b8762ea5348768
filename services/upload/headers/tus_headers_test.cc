#include "services/upload/headers/tus_headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/testing/status_matchers.h"

namespace vora::upload {
namespace {

constexpr int64_t kMax = 1000;

http::Headers With(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  http::Headers headers;
  for (const auto& [name, value] : fields) headers.Add(name, value);
  return headers;
}

// The HTTP status that the refusal is answered with; 0: there is none.
int StatusOf(const Status& status) { return status.ok() ? 0 : http::ErrorResponse(status).status; }
template <typename T>
int StatusOf(const StatusOr<T>& parsed) {
  return StatusOf(parsed.status());
}

template <typename T>
std::string FieldOf(const StatusOr<T>& parsed) {
  return DetailOf(parsed.status()).field;
}

TEST(ParseCountTest, TakesOnlyDigitsBelowTwoToThe63) {
  struct Case {
    std::string_view text;
    std::optional<int64_t> value;
  };
  const Case cases[] = {{"0", 0},
                        {"00", 0},
                        {"7", 7},
                        {" 42 ", 42},
                        {"9223372036854775807", INT64_MAX},
                        {"9223372036854775808", std::nullopt},
                        {"99999999999999999999", std::nullopt},
                        {"", std::nullopt},
                        {" ", std::nullopt},
                        {"-1", std::nullopt},
                        {"+1", std::nullopt},
                        {"1.0", std::nullopt},
                        {"1e3", std::nullopt},
                        {"0x10", std::nullopt},
                        {"1 2", std::nullopt},
                        {"1,2", std::nullopt},
                        {std::string_view("1\0", 2), std::nullopt}};
  for (const Case& c : cases) EXPECT_EQ(ParseCount(c.text), c.value) << "`" << c.text << "`";
}

TEST(ParseMetadataTest, DecodesPairsInOrder) {
  StatusOr<Metadata> parsed = ParseMetadata("filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential, empty  , x  AA==");
  ASSERT_EQ(StatusOf(parsed), 0);
  Metadata expected{{"filename", "world_domination_plan.pdf"}, {"is_confidential", ""}, {"empty", ""}, {"x", std::string(1, '\0')}};
  EXPECT_EQ((*parsed), expected);
  EXPECT_EQ(FindMetadata(expected, "filename"), "world_domination_plan.pdf");
  EXPECT_EQ(FindMetadata(expected, "Filename"), std::nullopt);
}

TEST(ParseMetadataTest, EmptyHeaderIsNoMetadata) {
  EXPECT_TRUE(ParseMetadata("")->empty());
  EXPECT_TRUE(ParseMetadata("  ")->empty());
}

TEST(ParseMetadataTest, RefusesNamingTheKey) {
  struct Case {
    std::string header, field, word;
  };
  const Case cases[] = {{"a YQ==,a YQ==", "a", "twice"},
                        {"name d29ybGQ", "name", "base64"},
                        {"name d29y bGQ=", "name", "base64"},
                        {"name !!!!", "name", "base64"},
                        {"name YQ==,", "Upload-Metadata", "comma"},
                        {",name YQ==", "Upload-Metadata", "key"},
                        {"a YQ==,,b YQ==", "Upload-Metadata", "key"},
                        {"n\xc3\xa4me YQ==", "Upload-Metadata", "key"},
                        {std::string(256, 'k') + " YQ==", "Upload-Metadata", "255"},
                        {"a\tb YQ==", "Upload-Metadata", "key"}};
  for (const Case& c : cases) {
    StatusOr<Metadata> parsed = ParseMetadata(c.header);
    ASSERT_EQ(StatusOf(parsed), 400) << c.header;
    EXPECT_EQ(FieldOf(parsed), c.field) << c.header;
    EXPECT_NE(Message(parsed.status()).find(c.word), std::string::npos) << parsed.status();
  }
}

TEST(WholeFileSha256Test, TakesHexOnly) {
  const std::string hex(64, 'a');
  EXPECT_EQ(*(WholeFileSha256({})), "");
  EXPECT_EQ(*(WholeFileSha256({{"sha256", hex}})), hex);
  EXPECT_EQ(*(WholeFileSha256({{"sha256", std::string(64, 'A')}})), hex);
  for (const std::string& bad : {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g'), std::string(32, '\0')}) {
    StatusOr<std::string> parsed = WholeFileSha256({{"sha256", bad}});
    EXPECT_EQ(StatusOf(parsed), 400);
    EXPECT_EQ(FieldOf(parsed), "sha256");
  }
}

TEST(ParseChecksumTest, TakesTheThreeAlgorithms) {
  for (auto [name, size] : {std::pair("sha1", 20), std::pair("sha256", 32), std::pair("crc32", 4)}) {
    std::string digest(static_cast<size_t>(size), 'x');
    StatusOr<Checksum> parsed = ParseChecksum(std::string(name) + " " + Base64Encode(digest));
    ASSERT_EQ(StatusOf(parsed), 0) << name;
    EXPECT_EQ(parsed->algorithm, name);
    EXPECT_EQ(parsed->digest, digest);
    EXPECT_EQ(StatusOf(ParseChecksum(std::string(name) + " " + Base64Encode(digest + "x"))), 400);
    EXPECT_EQ(StatusOf(ParseChecksum(name)), 400);
  }
  for (std::string_view bad : {"", " ", "md5 1B2M2Y8AsgTpgAmY7PhCfg==", "SHA1 x", "sha1", "sha1 ", "sha1 not-base64", "=", "sha1,Kq5"}) {
    EXPECT_EQ(StatusOf(ParseChecksum(bad)), 400) << bad;
  }
}

TEST(CheckVersionTest, WantsExactlyOneZeroZero) {
  EXPECT_EQ(StatusOf(CheckVersion(With({{"Tus-Resumable", "1.0.0"}}))), 0);
  EXPECT_EQ(StatusOf(CheckVersion(With({{"tus-resumable", " 1.0.0 "}}))), 0);
  for (std::string_view bad : {"", "1.0", "1.0.1", "0.2.2", "1.0.0, 1.0.0"}) {
    EXPECT_EQ(StatusOf(CheckVersion(With({{"Tus-Resumable", bad}}))), 412) << bad;
  }
  EXPECT_EQ(StatusOf(CheckVersion({})), 412);
}

TEST(EffectiveMethodTest, OverrideWins) {
  EXPECT_EQ(EffectiveMethod("POST", {}), "POST");
  EXPECT_EQ(EffectiveMethod("POST", With({{"X-HTTP-Method-Override", "patch"}})), "PATCH");
  EXPECT_EQ(EffectiveMethod("POST", With({{"X-HTTP-Method-Override", " "}})), "POST");
}

TEST(ParseCreateTest, LengthRules) {
  struct Case {
    http::Headers headers;
    int status;
    std::string field;
  };
  const Case cases[] = {
      {With({{"Upload-Length", "0"}}), 0, ""},
      {With({{"Upload-Length", "1000"}}), 0, ""},
      {With({{"Upload-Length", "1001"}}), 413, "Upload-Length"},
      {With({{"Upload-Length", "-1"}}), 400, "Upload-Length"},
      {With({{"Upload-Length", ""}}), 400, "Upload-Length"},
      {With({{"Upload-Length", "ten"}}), 400, "Upload-Length"},
      {With({}), 400, "Upload-Length"},
      {With({{"Upload-Defer-Length", "1"}}), 0, ""},
      {With({{"Upload-Defer-Length", "0"}}), 400, "Upload-Defer-Length"},
      {With({{"Upload-Defer-Length", "true"}}), 400, "Upload-Defer-Length"},
      {With({{"Upload-Defer-Length", "1"}, {"Upload-Length", "5"}}), 400, "Upload-Defer-Length"},
      {With({{"Upload-Length", "5"}, {"Upload-Concat", "partial"}}), 400, "Upload-Concat"},
      {With({{"Upload-Length", "5"}, {"Upload-Metadata", "k ?"}}), 400, "k"},
      {With({{"Upload-Length", "5"}, {"Upload-Metadata", "sha256 YQ=="}}), 400, "sha256"},
      {With({{"Upload-Length", "5"}, {"Upload-Checksum", "md5 YQ=="}}), 400, "Upload-Checksum"},
  };
  for (const Case& c : cases) {
    StatusOr<CreateRequest> parsed = ParseCreate(c.headers, 0, kMax);
    EXPECT_EQ(StatusOf(parsed), c.status) << c.field;
    EXPECT_EQ(FieldOf(parsed), c.field);
  }
  EXPECT_EQ(ParseCreate(With({{"Upload-Defer-Length", "1"}}), 0, kMax)->length, std::nullopt);
}

TEST(ParseCreateTest, BodyRules) {
  http::Headers plain = With({{"Upload-Length", "10"}});
  EXPECT_FALSE(ParseCreate(plain, 0, kMax)->has_body);
  EXPECT_EQ(StatusOf(ParseCreate(plain, 5, kMax)), 415);
  http::Headers typed = With({{"Upload-Length", "10"}, {"Content-Type", "application/offset+octet-stream"}});
  EXPECT_TRUE(ParseCreate(typed, 10, kMax)->has_body);
  EXPECT_EQ(StatusOf(ParseCreate(typed, 11, kMax)), 413);
  typed.Set("Transfer-Encoding", "chunked");
  EXPECT_TRUE(ParseCreate(typed, std::nullopt, kMax)->has_body);
}

TEST(ParsePatchTest, Rules) {
  auto patch = [](std::string_view type, std::string_view offset, std::string_view length) {
    http::Headers headers;
    if (!type.empty()) headers.Set("Content-Type", type);
    if (!offset.empty()) headers.Set("Upload-Offset", offset);
    if (!length.empty()) headers.Set("Upload-Length", length);
    return ParsePatch(headers, kMax);
  };
  StatusOr<PatchRequest> good = patch("Application/Offset+Octet-Stream; charset=x", "70", "100");
  ASSERT_EQ(StatusOf(good), 0);
  EXPECT_EQ(good->offset, 70);
  EXPECT_EQ(good->length, 100);
  EXPECT_EQ(StatusOf(patch("", "0", "")), 415);
  EXPECT_EQ(StatusOf(patch("application/octet-stream", "0", "")), 415);
  EXPECT_EQ(StatusOf(patch(kOffsetOctetStream, "", "")), 400);
  EXPECT_EQ(FieldOf(patch(kOffsetOctetStream, "-5", "")), "Upload-Offset");
  EXPECT_EQ(FieldOf(patch(kOffsetOctetStream, "0", "x")), "Upload-Length");
  EXPECT_EQ(StatusOf(patch(kOffsetOctetStream, "0", "1001")), 413);
}

TEST(LocationOfTest, FollowsWhatTheClientSaw) {
  EXPECT_EQ(LocationOf(With({{"Host", "h:8081"}}), "", "/files/x"), "http://h:8081/files/x");
  EXPECT_EQ(LocationOf(With({{"Host", "h"}}), "https://up.example", "/files/x"), "https://up.example/files/x");
  EXPECT_EQ(LocationOf(With({{"Host", "in"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "out.example, in"}}), "", "/f/x"),
            "https://out.example/f/x");
  EXPECT_EQ(LocationOf(With({{"Host", "[::1]:80"}}), "", "/f"), "http://[::1]:80/f");
  EXPECT_EQ(LocationOf(With({{"Host", "h"}, {"X-Forwarded-Proto", "javascript"}}), "", "/f"), "http://h/f");
  for (std::string_view evil : {"", "a b", "h/path", "h\r\nX: y", "u@h", "<h>"}) {
    EXPECT_EQ(LocationOf(With({{"Host", evil}}), "", "/f"), "/f") << evil;
  }
}

// Whatever comes in: no crash, and every answer is either usable or names what is wrong.
TEST(TusHeadersTest, RandomTextNeverBreaksTheParsers) {
  std::mt19937 random(20261120);
  const std::string alphabet(" ,=+/;:-_09azAZ\t\r\n\0\x7f\xc3\xff", 22);
  const std::string seeds[] = {"filename d29ybGQ=,sha256 YWJj", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "1234567890123456789", "1.0.0",
                               "application/offset+octet-stream"};
  for (int round = 0; round < 20000; ++round) {
    std::string text = seeds[random() % std::size(seeds)];
    for (auto edits = random() % 6; edits > 0; --edits) {
      size_t at = text.empty() ? 0 : random() % text.size();
      char c = alphabet[random() % alphabet.size()];
      switch (random() % 3) {
        case 0:
          text.insert(at, 1, c);
          break;
        case 1:
          if (!text.empty()) text.erase(at, 1 + random() % 4);
          break;
        default:
          if (!text.empty()) text[at] = c;
      }
    }
    (void)ParseCount(text);
    StatusOr<Metadata> metadata = ParseMetadata(text);
    if (!metadata.ok()) {
      EXPECT_FALSE(FieldOf(metadata).empty());
      for (char c : Message(metadata.status())) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
    } else {
      for (const auto& [key, value] : (*metadata)) EXPECT_FALSE(key.empty());
      (void)WholeFileSha256((*metadata));
    }
    StatusOr<Checksum> checksum = ParseChecksum(text);
    EXPECT_TRUE(!checksum.ok() || checksum->digest.size() >= 4);
    http::Headers headers =
        With({{"Upload-Length", text}, {"Upload-Offset", text}, {"Upload-Metadata", text}, {"Content-Type", text}, {"Host", text}});
    (void)ParseCreate(headers, 5, kMax);
    (void)ParsePatch(headers, kMax);
    EXPECT_EQ(LocationOf(headers, "", "/f").find_first_of("\r\n"), std::string::npos);
  }
}

TEST(CheckVideoMetadataTest, TakesAPriorityWithinTheLimits) {
  EXPECT_THAT(CheckVideoMetadata({}), IsOk());
  EXPECT_THAT(CheckVideoMetadata({{"priority", "-1000"}}), IsOk());
  for (const char* bad : {"", "urgent", "1001"}) {
    EXPECT_THAT(CheckVideoMetadata({{"priority", bad}}), StatusIs(StatusCode::kInvalidArgument, ::testing::HasSubstr("-1000 to 1000")))
        << bad;
  }
}

TEST(CheckVideoMetadataTest, TakesAnExternalIdAndLabels) {
  EXPECT_THAT(CheckVideoMetadata({{"external_id", "cms/42"}, {"label.season", "2"}, {"label.show", "Äpfel = Birnen, ja"}}), IsOk());
  EXPECT_THAT(CheckVideoMetadata({{"external_id", std::string(201, 'x')}}),
              StatusIs(StatusCode::kInvalidArgument, ::testing::HasSubstr("at most 200 characters")));
  EXPECT_THAT(CheckVideoMetadata({{"external_id", "\xff"}}), StatusIs(StatusCode::kInvalidArgument, ::testing::HasSubstr("UTF-8")));
  EXPECT_THAT(CheckVideoMetadata({{"label.", "2"}}), StatusIs(StatusCode::kInvalidArgument, ::testing::HasSubstr("labels: a key")));
  EXPECT_THAT(CheckVideoMetadata({{"label.season", std::string(256, 'x')}}),
              StatusIs(StatusCode::kInvalidArgument, ::testing::HasSubstr("labels.season: at most 255 characters")));
}

}  // namespace
}  // namespace vora::upload
