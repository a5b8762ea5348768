// Vectors: "Signature Calculations for the Authorization Header" (Amazon S3 API reference) and AWS's Signature Version 4 test suite.

#include "libs/storage/s3/sigv4.h"

#include <gtest/gtest.h>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"

namespace vora::storage {
namespace {

const char* const kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string Signature(const SigningRequest& request, const SigningKey& key) {
  std::string value = SignRequest(request, key);
  return value.substr(value.rfind('=') + 1);
}

class S3Examples : public testing::Test {
 protected:
  SigningRequest Request(const std::string& method, const std::string& path, const std::string& hash = kEmptyHash) {
    SigningRequest request{method, path, {}, {}, hash};
    request.headers = {{"host", "examplebucket.s3.amazonaws.com"}, {"x-amz-date", "20130524T000000Z"}, {"x-amz-content-sha256", hash}};
    return request;
  }
  SigningKey key_{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3"};
};

TEST_F(S3Examples, GetObjectWithRange) {
  SigningRequest request = Request("GET", "/test.txt");
  request.headers["range"] = "bytes=0-9";
  EXPECT_EQ(SignRequest(request, key_),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_F(S3Examples, PutObjectWithReservedCharacter) {
  SigningRequest request = Request("PUT", "/test%24file.text", HexEncode(Sha256("Welcome to Amazon S3.")));
  request.headers["date"] = "Fri, 24 May 2013 00:00:00 GMT";
  request.headers["x-amz-storage-class"] = "REDUCED_REDUNDANCY";
  EXPECT_EQ(Signature(request, key_), "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_F(S3Examples, QueryWithoutValue) {
  SigningRequest request = Request("GET", "/");
  request.query = {{"lifecycle", ""}};
  EXPECT_EQ(Signature(request, key_), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST_F(S3Examples, ListObjectsUnsortedQuery) {
  SigningRequest request = Request("GET", "/");
  request.query = {{"prefix", "J"}, {"max-keys", "2"}};
  EXPECT_EQ(Signature(request, key_), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

class TestSuite : public testing::Test {
 protected:
  SigningRequest Request(const std::string& method) {
    SigningRequest request{method, "/", {}, {}, kEmptyHash};
    request.headers = {{"host", "example.amazonaws.com"}, {"x-amz-date", "20150830T123600Z"}};
    return request;
  }
  SigningKey key_{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service"};
};

TEST_F(TestSuite, GetVanilla) {
  SigningRequest request = Request("GET");
  EXPECT_EQ(CanonicalRequest(request),
            std::string("GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n") + kEmptyHash);
  EXPECT_EQ(Signature(request, key_), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST_F(TestSuite, GetVanillaQueryOrder) {
  SigningRequest request = Request("GET");
  request.query = {{"Param2", "value2"}, {"Param1", "value1"}};
  EXPECT_EQ(Signature(request, key_), "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST_F(TestSuite, PostVanilla) {
  EXPECT_EQ(Signature(Request("POST"), key_), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST(SigV4, TrimsHeaders) {
  SigningRequest request{"GET", "/", {}, {{"host", "h"}, {"my-header", "  a   b  c "}, {"x-amz-date", "20150830T123600Z"}}, kEmptyHash};
  EXPECT_NE(CanonicalRequest(request).find("my-header:a b c\n"), std::string::npos);
}

TEST(SigV4, EncodesQueries) {
  EXPECT_EQ(CanonicalQuery({{"uploads", ""}, {"prefix", "a/b c+\xC3\xA4"}, {"list-type", "2"}}),
            "list-type=2&prefix=a%2Fb%20c%2B%C3%A4&uploads=");
}

}  // namespace
}  // namespace vora::storage
