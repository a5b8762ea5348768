#include "libs/storage/s3/s3_xml.h"

#include <gtest/gtest.h>

#include <random>

#include "libs/testing/status_matchers.h"

namespace vora::storage {
namespace {

const char* const kList = R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Name>vora</Name><Prefix>raw%2F</Prefix><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><EncodingType>url</EncodingType>
  <IsTruncated>true</IsTruncated><NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>
  <Contents><Key>raw/a%20b+c%2Bd</Key><LastModified>2026-11-20T09:06:58.123Z</LastModified>
    <ETag>&quot;70ee1738b6b21e2c8a43f3a5ab0eee71&quot;</ETag><Size>1111</Size><StorageClass>STANDARD</StorageClass>
    <Owner><ID>vora</ID><DisplayName>Vora</DisplayName></Owner></Contents>
  <Contents><Key>raw/%C3%A4</Key><LastModified>1970-01-01T00:00:00Z</LastModified><ETag>"x-2"</ETag><Size>0</Size></Contents>
</ListBucketResult>)";

TEST(S3Xml, ParsesLists) {
  auto page = ParseListObjects(kList);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->objects.size(), 2U);
  EXPECT_EQ(page->objects[0].key, "raw/a b c+d");
  EXPECT_EQ(page->objects[0].size, 1111);
  EXPECT_EQ(page->objects[0].etag, "70ee1738b6b21e2c8a43f3a5ab0eee71");
  EXPECT_EQ(page->objects[0].modified_unix_ms, 1795165618123);
  EXPECT_EQ(page->objects[1].key, "raw/\xC3\xA4");
  EXPECT_EQ(page->objects[1].etag, "x-2");
  EXPECT_EQ(page->objects[1].modified_unix_ms, 0);
  EXPECT_EQ(page->next_token, "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=");
}

std::string List(const std::string& inside) { return "<ListBucketResult>" + inside + "</ListBucketResult>"; }

TEST(S3Xml, KeysAreTakenAsTheyAreWithoutEncodingType) {
  auto page =
      ParseListObjects(List("<IsTruncated>false</IsTruncated><Contents><Key>a+b%20&amp;</Key><LastModified>1970-01-01T00:00:01Z"
                            "</LastModified><ETag>e</ETag><Size>1</Size></Contents>"));
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->objects[0].key, "a+b%20&");
  EXPECT_EQ(page->next_token, "");
}

TEST(S3Xml, RefusesBrokenLists) {
  const std::string kTail = "<LastModified>1970-01-01T00:00:01Z</LastModified><ETag>e</ETag>";
  const std::string kCases[] = {
      "",
      "<",
      "no xml",
      "<html><body>502</body></html>",
      "<ListBucketResult>",
      "<ListBucketResult/>",
      List("<IsTruncated>false</IsTruncated>") + "junk",
      List("<IsTruncated>maybe</IsTruncated>"),
      List("<IsTruncated>false</IsTruncated><IsTruncated>true</IsTruncated>"),
      List("<IsTruncated>true</IsTruncated>"),
      List("<IsTruncated>true</IsTruncated><NextContinuationToken></NextContinuationToken>"),
      List("<IsTruncated>false</IsTruncated><Contents><Key>a</Key>" + kTail + "</Contents>"),
      List("<IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>1x</Size>" + kTail + "</Contents>"),
      List("<IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>-1</Size>" + kTail + "</Contents>"),
      List("<IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>99999999999999999999</Size>" + kTail + "</Contents>"),
      List("<IsTruncated>false</IsTruncated><Contents><Key>a</Key><Key>b</Key><Size>1</Size>" + kTail + "</Contents>"),
      List("<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><Contents><Key>a%2</Key><Size>1</Size>" + kTail +
           "</Contents>"),
      List("<IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>1</Size><LastModified>yesterday</LastModified><ETag>e</ETag>"
           "</Contents>"),
      List("<IsTruncated>false&#0;</IsTruncated>"),
      List("<IsTruncated>false\xFF</IsTruncated>"),
      List("<a><b><c><d><e><f><g><h><i/></h></g></f></e></d></c></b></a><IsTruncated>false</IsTruncated>"),
      "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]>" + List("<IsTruncated>false</IsTruncated>&b;"),
      "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">" + List("<IsTruncated>false</IsTruncated>"),
  };
  for (const std::string& xml : kCases) {
    auto page = ParseListObjects(xml);
    EXPECT_THAT(page, StatusIs(StatusCode::kInternal)) << xml;
  }
}

// Any damage to a document ends in a result or an error, and nothing else.
TEST(S3Xml, SurvivesDamage) {
  std::mt19937 random(7);
  const std::string original = kList;
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string xml = original;
    for (unsigned hits = 1 + random() % 4; hits > 0 && !xml.empty(); --hits) {
      size_t at = random() % xml.size();
      switch (random() % 4) {
        case 0:
          xml[at] = static_cast<char>(random());
          break;
        case 1:
          xml.erase(at, 1 + random() % 40);
          break;
        case 2:
          xml.insert(at, xml.substr(random() % xml.size(), random() % 60));
          break;
        default:
          xml.resize(at + 1);
      }
    }
    auto page = ParseListObjects(xml);
    if (!page.ok()) {
      ++refused;
      EXPECT_THAT(page, StatusIs(StatusCode::kInternal));
    }
    (void)ParseS3Error(xml);
    (void)ParseCreateMultipart(xml);
  }
  EXPECT_GT(refused, 10'000);
}

TEST(S3Xml, ParsesMultipartAndErrors) {
  auto id = ParseCreateMultipart(
      "<InitiateMultipartUploadResult xmlns=\"x\"><Bucket>b</Bucket><Key>k</Key><UploadId>2~abc</UploadId>"
      "</InitiateMultipartUploadResult>");
  ASSERT_THAT(id, IsOk());
  EXPECT_EQ(*id, "2~abc");
  EXPECT_EQ(ParseCreateMultipart("<InitiateMultipartUploadResult><UploadId/></InitiateMultipartUploadResult>").status().code(),
            StatusCode::kInternal);
  auto error = ParseS3Error("<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>a &lt; b</Message></Error>");
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, "SlowDown");
  EXPECT_EQ(error->message, "a < b");
  EXPECT_FALSE(ParseS3Error("<html/>").has_value());
  EXPECT_FALSE(ParseS3Error("").has_value());
}

TEST(S3Xml, FormatsPartLists) {
  EXPECT_EQ(FormatCompleteMultipart({{1, "a"}, {2, "<&>"}}),
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag>"
            "</Part><Part><PartNumber>2</PartNumber><ETag>\"&lt;&amp;&gt;\"</ETag></Part></CompleteMultipartUpload>");
}

TEST(S3Xml, UnquotesEtags) {
  EXPECT_EQ(UnquoteEtag("\"abc\""), "abc");
  EXPECT_EQ(UnquoteEtag("abc"), "abc");
  EXPECT_EQ(UnquoteEtag("W/\"abc\""), "abc");
  EXPECT_EQ(UnquoteEtag("\""), "\"");
  EXPECT_EQ(UnquoteEtag(""), "");
}

}  // namespace
}  // namespace vora::storage
