// What of Google's interface differs from S3's, beyond the contract (object_store_contract_test.cc).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "libs/storage/s3/s3_store.h"
#include "libs/storage/testing/fake_google_storage.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/tcp_gate.h"

namespace vora::storage {
namespace {

using ::testing::HasSubstr;

std::optional<std::string> TwoKeys(const std::string& name) {
  return name.ends_with("_KEY") ? std::optional<std::string>("x") : std::nullopt;
}

TEST(S3Google, TheEndpointTells) {
  const auto plain = ParseS3Url("s3://media?endpoint=https://storage.googleapis.com", TwoKeys);
  EXPECT_EQ(plain->dialect, S3Dialect::kGoogle);
  EXPECT_EQ(plain->region, "auto");
  EXPECT_EQ(ParseS3Url("s3://media?endpoint=https://storage.europe-west3.rep.googleapis.com", TwoKeys)->dialect, S3Dialect::kGoogle);
  EXPECT_EQ(ParseS3Url("s3://media?dialect=gcs", TwoKeys)->authority, "storage.googleapis.com");
  EXPECT_EQ(ParseS3Url("s3://media?endpoint=https://storage.googleapis.com.example.org", TwoKeys)->dialect, S3Dialect::kS3);
  EXPECT_EQ(ParseS3Url("s3://media?endpoint=https://storage.googleapis.com&dialect=s3", TwoKeys)->dialect, S3Dialect::kS3);
  EXPECT_THAT(ParseS3Url("s3://media?dialect=azure", TwoKeys),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("dialect must be s3 or gcs")));
  const auto instance = [](const std::string& name) -> std::optional<std::string> {
    return name == "VORA_S3_CREDENTIALS" ? std::optional<std::string>("instance") : std::nullopt;
  };
  EXPECT_THAT(ParseS3Url("s3://media?dialect=gcs", instance),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("VORA_S3_CREDENTIALS=keys")));
}

class S3GoogleStore : public ::testing::Test {
 protected:
  S3GoogleStore() { std::signal(SIGPIPE, SIG_IGN); }
  S3Config Config() const {
    auto config = *ParseS3Url(google_.url(), FakeGoogleStorage::Getenv);
    config.retry.initial = std::chrono::milliseconds(5);
    return config;
  }
  FakeGoogleStorage google_;
};

// As a store of S3 it would be taken for one that honours nothing, and the mix of headers is refused.
TEST_F(S3GoogleStore, DoesNotAnswerToTheOtherDialect) {
  S3Config config = Config();
  config.dialect = S3Dialect::kS3;
  EXPECT_THAT(S3ObjectStore(config).Put("k", "v", {}), StatusIs(StatusCode::kInvalidArgument, HasSubstr("ExcessHeaderValues")));
}

TEST_F(S3GoogleStore, ChecksSignatures) {
  S3Config config = Config();
  config.keys.fixed.secret_key = "another";
  EXPECT_THAT(S3ObjectStore(config).Put("k", "v", {}), StatusIs(StatusCode::kPermissionDenied, HasSubstr("SignatureDoesNotMatch")));
}

TEST_F(S3GoogleStore, LostAnswersOfConditionalWritesAreRecognised) {
  S3Config config = Config();
  TcpGate gate("127.0.0.1", std::stoi(config.authority.substr(config.authority.rfind(':') + 1)));
  config.authority = "127.0.0.1:" + std::to_string(gate.port());
  S3ObjectStore store(config);
  gate.CutAnswers(1, 0);
  const auto first = store.Put("state", "mine", {.if_absent = true});
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(store.Put("state", "mine", {.if_absent = true}), StatusIs(StatusCode::kAlreadyExists));
  // The answer to HEAD, which tells the generation, passes; that to the write is lost.
  gate.CutAnswers(1, 0, 1);
  const auto second = store.Put("state", "later", {.if_match = first->etag});
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(gate.cut(), 2);
  EXPECT_THAT(store.Put("state", "stale", {.if_match = first->etag}), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(store.Get("state").value_or("?"), "later");
}

}  // namespace
}  // namespace vora::storage
