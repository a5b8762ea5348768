// Temporary credentials from real HTTP servers that answer as those of AWS do, and the time that they live.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <latch>
#include <map>
#include <thread>

#include "libs/core/error.h"
#include "libs/core/whole_file.h"
#include "libs/http/server/server.h"
#include "libs/storage/s3/s3_key_answers.h"
#include "libs/storage/s3/s3_key_cache.h"
#include "libs/storage/s3/s3_key_config.h"
#include "libs/storage/s3/s3_store.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::storage {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using Variables = std::map<std::string, std::string>;

std::string KeyDocument(const std::string& access_key, SystemTime expires_at) {
  return R"({"Code":"Success","Type":"AWS-HMAC","AccessKeyId":")" + access_key + R"(","SecretAccessKey":"s3cr3t","Token":"token-of-)" +
         access_key + R"(","Expiration":")" + FormatRfc3339Seconds(expires_at) + R"("})";
}

StatusOr<S3KeyConfig> ParseKeys(const Variables& variables) {
  return ParseS3KeyConfig("eu-central-1", [&](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  });
}

// A server on this machine, whose handler a test may change while it runs.
class KeyHandOut {
 public:
  using Answer = std::function<http::Response(const http::Request&, const std::string& body)>;
  explicit KeyHandOut(Answer answer) : answer_(std::move(answer)) {
    for (const char* method : {"GET", "HEAD", "PUT", "POST", "DELETE"}) {
      server_.RouteSimple(method, "/{rest*}", [this](const http::Request& request, const std::string& body) {
        ++asked_;
        std::unique_lock lock(mutex_);
        const Answer answer = answer_;
        lock.unlock();
        return answer(request, body);
      });
    }
    EXPECT_THAT(server_.Start(), IsOk());
  }
  ~KeyHandOut() { server_.Shutdown(seconds(5)); }
  void Say(Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
  int asked() const { return asked_; }

 private:
  obs::Metrics metrics_;
  std::mutex mutex_;
  Answer answer_;
  std::atomic<int> asked_{0};
  http::Server server_{{}, metrics_};
};

http::Response Refusal(int status, const std::string& text) { return http::Response::Text(status, text); }

class S3KeysTest : public ::testing::Test {
 protected:
  S3KeysTest() { std::signal(SIGPIPE, SIG_IGN); }
  static std::unique_ptr<S3KeySource> Source(const Variables& variables) {
    const auto config = ParseKeys(variables);
    EXPECT_THAT(config, IsOk());
    return MakeS3KeySource(*config);
  }
  Variables Container(const std::string& url) const {
    return {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url + "/v2/credentials"}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token_file_}};
  }
  void WriteToken(const std::string& token) { ASSERT_THAT(WriteWholeFile(token_file_, token), IsOk()); }

  FakeClock clock_{std::chrono::time_point_cast<SystemTime::duration>(std::chrono::floor<seconds>(std::chrono::system_clock::now()))};
  const TempFolder folder_;
  const std::string token_file_ = folder_ / "token";
};

TEST_F(S3KeysTest, TheVariablesChoose) {
  using From = S3KeyConfig::From;
  const Variables keys{{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "b"}, {"AWS_SESSION_TOKEN", "c"}};
  const Variables web{{"AWS_ROLE_ARN", "arn:aws:iam::1:role/vora"}, {"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"}};
  const Variables container{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x"}};
  const auto both = [](Variables a, const Variables& b) {
    a.insert(b.begin(), b.end());
    return a;
  };
  EXPECT_EQ(ParseKeys(keys)->fixed.session_token, "c");
  // Ours come without a token of theirs.
  const auto ours = ParseKeys(both({{"VORA_S3_ACCESS_KEY", "x"}, {"VORA_S3_SECRET_KEY", "y"}}, keys));
  EXPECT_EQ(ours->fixed.access_key, "x");
  EXPECT_EQ(ours->fixed.session_token, "");
  EXPECT_EQ(ParseKeys(both(both(keys, web), container))->from, From::kFixed);
  const auto role = ParseKeys(both(web, container));
  EXPECT_EQ(role->from, From::kWebIdentity);
  EXPECT_EQ(role->sts_endpoint, "https://sts.eu-central-1.amazonaws.com");
  EXPECT_EQ(ParseKeys(container)->from, From::kContainer);
  EXPECT_EQ(ParseKeys(container)->container_url, "http://169.254.170.2/v2/x");
  EXPECT_EQ(ParseKeys(both({{"VORA_S3_CREDENTIALS", "instance"}}, keys))->instance_endpoint, "http://169.254.169.254");
  EXPECT_EQ(ParseKeys(both({{"VORA_S3_CREDENTIALS", "container"}}, both(keys, container)))->from, From::kContainer);
}

TEST_F(S3KeysTest, MistakesAreNamed) {
  const std::pair<Variables, const char*> kCases[] = {
      {{}, "VORA_S3_CREDENTIALS"},
      {{{"VORA_S3_ACCESS_KEY", "a"}}, "VORA_S3_SECRET_KEY"},
      {{{"VORA_S3_CREDENTIALS", "magic"}}, "VORA_S3_CREDENTIALS must be"},
      {{{"VORA_S3_CREDENTIALS", "web-identity"}}, "VORA_S3_ROLE_ARN"},
      {{{"VORA_S3_CREDENTIALS", "web-identity"}, {"AWS_ROLE_ARN", "r"}}, "VORA_S3_IDENTITY_TOKEN_FILE"},
      {{{"AWS_ROLE_ARN", "r"}, {"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"}, {"VORA_S3_STS_ENDPOINT", "sts"}}, "VORA_S3_STS_ENDPOINT"},
      {{{"VORA_S3_CREDENTIALS", "container"}}, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"},
      {{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/keys"}}, "must be https"},
      {{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.2.example.com/"}}, "must be https"},
      {{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ".example.com/"}}, "must begin with /"},
      {{{"VORA_S3_CREDENTIALS", "instance"}, {"VORA_S3_INSTANCE_ENDPOINT", "ftp://x"}}, "VORA_S3_INSTANCE_ENDPOINT"},
  };
  for (const auto& [variables, words] : kCases) {
    EXPECT_THAT(ParseKeys(variables), StatusIs(StatusCode::kInvalidArgument, HasSubstr(words)));
  }
}

TEST_F(S3KeysTest, AContainersKeysComeWithItsTokenAsItIsAtThatMoment) {
  KeyHandOut server([&](const http::Request& request, const std::string&) {
    EXPECT_EQ(request.path, "/v2/credentials");
    const std::string token = request.headers.GetOr("authorization", "");
    return token == "Bearer new" ? http::Response::Json(200, KeyDocument("AKIA", clock_.Now() + minutes(60))) : Refusal(403, "who are you");
  });
  const auto source = Source(Container(server.url()));
  EXPECT_THAT(source->Fetch(), StatusIs(StatusCode::kUnavailable, HasSubstr(token_file_)));
  WriteToken("Bearer old\n");
  const auto refused = source->Fetch();
  EXPECT_THAT(refused, StatusIs(StatusCode::kUnavailable, HasSubstr("container: no keys are handed out: HTTP 403 who are you")));
  EXPECT_TRUE(IsError(refused.status(), errors::kStoreCredentials));
  WriteToken("Bearer new\n");
  const auto keys = source->Fetch();
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys->access_key, "AKIA");
  EXPECT_EQ(keys->session_token, "token-of-AKIA");
  EXPECT_EQ(keys->expires_at, clock_.Now() + minutes(60));
  WriteToken("Bearer new\nX-Evil: 1\n");
  EXPECT_THAT(source->Fetch(), StatusIs(StatusCode::kUnavailable, HasSubstr("control character")));
}

TEST_F(S3KeysTest, AnInstanceIsAskedByItsSecondVersion) {
  std::atomic<bool> role{false};
  KeyHandOut server([&](const http::Request& request, const std::string&) {
    if (request.path == "/latest/api/token") {
      EXPECT_EQ(request.method, "PUT");
      EXPECT_EQ(request.headers.GetOr("x-aws-ec2-metadata-token-ttl-seconds", ""), "60");
      return http::Response::Text(200, "metadata-token==");
    }
    if (request.headers.GetOr("x-aws-ec2-metadata-token", "") != "metadata-token==") return Refusal(401, "");
    if (!role) return Refusal(404, "");
    if (request.raw_path == "/latest/meta-data/iam/security-credentials/") return http::Response::Text(200, "vora-node\n");
    EXPECT_EQ(request.path, "/latest/meta-data/iam/security-credentials/vora-node");
    return http::Response::Json(200, KeyDocument("ASIA", clock_.Now() + minutes(360)));
  });
  const auto source = Source({{"VORA_S3_CREDENTIALS", "instance"}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url() + "/"}});
  EXPECT_THAT(source->Fetch(), StatusIs(StatusCode::kUnavailable, HasSubstr("no role is attached")));
  role = true;
  EXPECT_EQ(source->Fetch()->access_key, "ASIA");
  server.Say([](const http::Request&, const std::string&) { return Refusal(403, ""); });
  EXPECT_THAT(source->Fetch(), StatusIs(StatusCode::kUnavailable, HasSubstr("no token for its metadata: HTTP 403")));
}

TEST_F(S3KeysTest, ARoleIsTakenByTheTokenOfTheFile) {
  KeyHandOut server([&](const http::Request& request, const std::string& body) {
    EXPECT_EQ(request.headers.GetOr("content-type", ""), "application/x-www-form-urlencoded");
    if (body !=
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fvora&RoleSessionName=vora&"
        "WebIdentityToken=e.y.J%2B") {
      return Refusal(
          400,
          "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>ExpiredTokenException"
          "</Code><Message>Token expired</Message></Error></ErrorResponse>");
    }
    return http::Response::Text(200,
                                "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
                                "<AssumeRoleWithWebIdentityResult><Credentials><SessionToken>tok</SessionToken><SecretAccessKey>sec"
                                "</SecretAccessKey><Expiration>2030-01-01T00:00:00Z</Expiration><AccessKeyId>ASIAROLE</AccessKeyId>"
                                "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>");
  });
  const auto source = Source(
      {{"AWS_ROLE_ARN", "arn:aws:iam::1:role/vora"}, {"AWS_WEB_IDENTITY_TOKEN_FILE", token_file_}, {"VORA_S3_STS_ENDPOINT", server.url()}});
  WriteToken("stale");
  EXPECT_THAT(source->Fetch(), StatusIs(StatusCode::kUnavailable, HasSubstr("HTTP 400 ExpiredTokenException (Token expired)")));
  WriteToken("e.y.J+");
  const auto keys = source->Fetch();
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys->access_key, "ASIAROLE");
  EXPECT_EQ(keys->secret_key, "sec");
  EXPECT_EQ(keys->session_token, "tok");
  EXPECT_EQ(keys->expires_at, FromUnixSeconds(1'893'456'000));
}

TEST_F(S3KeysTest, MalformedAnswersAreNamedWithoutTheirSecrets) {
  const std::pair<std::string, const char*> kCases[] = {
      {"", "no JSON object"},
      {"<html/>", "no JSON object"},
      {"[]", "no JSON object"},
      {R"({"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role"})", "AssumeRoleUnauthorizedAccess: EC2 cannot"},
      {R"({"SecretAccessKey":"s3cr3t","Token":"t","Expiration":"2030-01-01T00:00:00Z"})", "AccessKeyId"},
      {R"({"AccessKeyId":7,"SecretAccessKey":"s3cr3t","Token":"t","Expiration":"2030-01-01T00:00:00Z"})", "AccessKeyId"},
      {R"({"AccessKeyId":"a","Token":"t","Expiration":"2030-01-01T00:00:00Z"})", "SecretAccessKey"},
      {R"({"AccessKeyId":"a","SecretAccessKey":"s3cr3t","Token":"t\r\nX: 1","Expiration":"2030-01-01T00:00:00Z"})", "session token"},
      {R"({"AccessKeyId":"a","SecretAccessKey":"s3cr3t","Token":"t","Expiration":"tomorrow"})", "Expiration"},
      {std::string(70 << 10, ' '), "longer than 64 KiB"},
  };
  KeyHandOut server([](const http::Request&, const std::string&) { return Refusal(500, ""); });
  WriteToken("t");
  const auto source = Source(Container(server.url()));
  for (const auto& [document, words] : kCases) {
    server.Say([document = document](const http::Request&, const std::string&) { return http::Response::Json(200, document); });
    const auto keys = source->Fetch();
    EXPECT_THAT(keys, StatusIs(StatusCode::kUnavailable, HasSubstr(words)));
    EXPECT_THAT(ToText(keys.status()), Not(HasSubstr("s3cr3t")));
  }
  EXPECT_THAT(ParseAssumedRole("<AssumeRoleWithWebIdentityResponse/>"), StatusIs(StatusCode::kInternal, HasSubstr("<Credentials>")));
  for (const char* name : {"", "a/b", "../x", "<html>"}) EXPECT_EQ(ParseRoleName(name), "") << name;
}

// The life of keys: each answer is good for an hour and names its number.
class S3KeyCacheTest : public S3KeysTest {
 protected:
  http::Response Next(minutes life) {
    return http::Response::Json(200, KeyDocument("K" + std::to_string(++handed_out_), clock_.Now() + life));
  }
  std::string Current() {
    const auto keys = cache_.Get();
    return keys.ok() ? (*keys)->access_key : ToText(keys.status());
  }

  std::atomic<int> handed_out_{0};
  KeyHandOut server_{[this](const http::Request&, const std::string&) { return Next(minutes(60)); }};
  S3KeyCache cache_{Source({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", server_.url()}}), clock_};
};

TEST_F(S3KeyCacheTest, KeysAreReplacedBeforeTheyExpire) {
  EXPECT_EQ(Current(), "K1");
  clock_.Advance(minutes(54));
  EXPECT_EQ(Current(), "K1");
  EXPECT_EQ(server_.asked(), 1);
  clock_.Advance(minutes(1));
  EXPECT_EQ(Current(), "K2");
  EXPECT_EQ(server_.asked(), 2);
}

TEST_F(S3KeyCacheTest, KeysOfAShortLifeAreReplacedAtItsHalf) {
  server_.Say([this](const http::Request&, const std::string&) { return Next(minutes(4)); });
  EXPECT_EQ(Current(), "K1");
  clock_.Advance(seconds(119));
  EXPECT_EQ(Current(), "K1");
  clock_.Advance(seconds(1));
  EXPECT_EQ(Current(), "K2");
}

TEST_F(S3KeyCacheTest, OldKeysServeWhileTheSourceIsAwayAndItHeals) {
  EXPECT_EQ(Current(), "K1");
  server_.Say([](const http::Request&, const std::string&) { return Refusal(503, "busy"); });
  clock_.Advance(minutes(56));
  EXPECT_EQ(Current(), "K1");
  EXPECT_EQ(Current(), "K1");
  EXPECT_EQ(server_.asked(), 2) << "it is left alone for ten seconds";
  clock_.Advance(seconds(10));
  EXPECT_EQ(Current(), "K1");
  EXPECT_EQ(server_.asked(), 3);
  clock_.Advance(minutes(4));
  const auto expired = cache_.Get();
  EXPECT_THAT(expired, StatusIs(StatusCode::kUnavailable, HasSubstr("HTTP 503 busy")));
  EXPECT_TRUE(IsError(expired.status(), errors::kStoreCredentials));
  const int asked = server_.asked();
  EXPECT_THAT(cache_.Get(), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(server_.asked(), asked) << "once a second is enough";
  server_.Say([this](const http::Request&, const std::string&) { return Next(minutes(60)); });
  clock_.Advance(seconds(1));
  EXPECT_EQ(Current(), "K2");
}

TEST_F(S3KeyCacheTest, KeysThatHaveExpiredAlreadyTellOfTheClock) {
  server_.Say([this](const http::Request&, const std::string&) { return Next(minutes(-1)); });
  EXPECT_THAT(cache_.Get(), StatusIs(StatusCode::kUnavailable, HasSubstr("the clock of this machine may be wrong")));
}

TEST_F(S3KeyCacheTest, OneOfManyThreadsFetches) {
  constexpr int kThreads = 24;
  for (int round = 1; round <= 3; ++round) {
    std::latch begin(kThreads);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        begin.arrive_and_wait();
        for (int n = 0; n < 20; ++n) {
          const auto keys = cache_.Get();
          ASSERT_THAT(keys, IsOk());
          ASSERT_LT(clock_.Now(), *(*keys)->expires_at);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(server_.asked(), round);
    clock_.Advance(round == 1 ? minutes(57) : minutes(61));
  }
}

// Set by hours, forwards or back, while nothing else is wrong.
TEST_F(S3KeyCacheTest, AWallClockThatJumpsHoldsNothingUp) {
  EXPECT_EQ(Current(), "K1");
  server_.Say([](const http::Request&, const std::string&) { return Refusal(503, "busy"); });
  clock_.Advance(minutes(56));
  EXPECT_EQ(Current(), "K1");
  clock_.JumpWall(-std::chrono::hours(5));
  server_.Say([this](const http::Request&, const std::string&) { return Next(minutes(60)); });
  clock_.Advance(seconds(10));
  EXPECT_EQ(Current(), "K2") << "the pause after a failure is ten seconds, whatever the wall says";
  clock_.JumpWall(std::chrono::hours(5));
  EXPECT_EQ(Current(), "K3") << "K2 has expired by the wall";
  clock_.JumpWall(-std::chrono::hours(5));
  clock_.Advance(minutes(55));
  EXPECT_EQ(Current(), "K4") << "K3 was to live for an hour";
}

TEST_F(S3KeyCacheTest, RefusedKeysAreReplacedOnceAndNotByEachRequest) {
  const auto first = *cache_.Get();
  clock_.Advance(seconds(10));
  const Status refused = cache_.Refused(first, "ExpiredToken");
  EXPECT_THAT(refused, StatusIs(StatusCode::kUnavailable, HasSubstr("the store refuses those that were handed out (ExpiredToken)")));
  EXPECT_TRUE(IsError(refused, errors::kStoreCredentials));
  const auto second = *cache_.Get();
  EXPECT_EQ(second->access_key, "K2");
  (void)cache_.Refused(first, "ExpiredToken");
  EXPECT_EQ(Current(), "K2") << "others than the current ones";
  // What is refused as soon as it comes would come again.
  (void)cache_.Refused(second, "InvalidAccessKeyId");
  for (int i = 0; i < 100; ++i) EXPECT_THAT(Current(), HasSubstr("(InvalidAccessKeyId)"));
  EXPECT_EQ(server_.asked(), 2);
  clock_.Advance(seconds(10));
  EXPECT_EQ(Current(), "K3");
}

// A store that takes the one key of the number `accepted_`, and answers HEAD without a word.
class S3KeyStoreTest : public S3KeyCacheTest {
 protected:
  S3KeyStoreTest() {
    config_.bucket = "media";
    config_.https = false;
    config_.authority = s3_.url().substr(7);
    config_.retry.initial = std::chrono::milliseconds(1);
    config_.keys = *ParseKeys({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", server_.url()}});
  }
  http::Response Answer(const http::Request& request) {
    const std::string key = "K" + std::to_string(accepted_.load());
    if (request.headers.GetOr("x-amz-security-token", "") != "token-of-" + key) {
      if (request.method == "HEAD") return Refusal(400, "");
      return Refusal(400, "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>");
    }
    if (forbidden_) return Refusal(403, request.method == "HEAD" ? "" : "<Error><Code>AccessDenied</Code></Error>");
    const std::string authorization = request.headers.GetOr("authorization", "");
    EXPECT_THAT(authorization, HasSubstr("Credential=" + key + "/"));
    EXPECT_THAT(authorization, HasSubstr("x-amz-security-token"));
    http::Response answer = http::Response::Text(200, request.method == "PUT" ? "" : "bytes");
    answer.headers.Set("ETag", "\"e\"");
    return answer;
  }

  std::atomic<int> accepted_{1};
  std::atomic<bool> forbidden_{false};
  KeyHandOut s3_{[this](const http::Request& request, const std::string&) { return Answer(request); }};
  S3Config config_;
};

// A whole store on keys that expire under it, before their time.
TEST_F(S3KeyStoreTest, AStoreSignsWithTheTokenAndReplacesWhatIsRefused) {
  S3ObjectStore store(config_, clock_);
  const auto expire = [&] {
    clock_.Advance(seconds(10));
    ++accepted_;
  };
  EXPECT_THAT(store.Put("a", "bytes", {}), IsOk());
  EXPECT_EQ(handed_out_, 1);
  expire();
  EXPECT_THAT(store.Put("a", "bytes", {}), IsOk());
  EXPECT_EQ(handed_out_, 2);
  expire();
  EXPECT_EQ(store.Get("a").value_or("?"), "bytes");
  EXPECT_EQ(handed_out_, 3);
  expire();
  EXPECT_THAT(store.Head("a"), IsOk()) << "its refusal has no document";
  EXPECT_EQ(handed_out_, 4);
  // The source is away, and what it gave is refused: the store is not ready, and says why.
  expire();
  server_.Say([](const http::Request&, const std::string&) { return Refusal(403, "no more"); });
  EXPECT_THAT(store.Put("a", "bytes", {}), StatusIs(StatusCode::kUnavailable, HasSubstr("HTTP 403 no more")));
  EXPECT_THAT(store.Ping(), StatusIs(StatusCode::kUnavailable, HasSubstr("object store credentials: container")));
}

// Nobody can replace them but people: an outage of the store until then, and no fault of what is read or written.
TEST_F(S3KeyStoreTest, KeysThatAreSetAndExpireAreAnOutageOfEveryCall) {
  config_.keys = S3KeyConfig();
  config_.keys.fixed = {"K1", "s3cr3t", "token-of-K1", std::nullopt};
  S3ObjectStore s3(config_, clock_);
  ObjectStore& store = s3;
  EXPECT_THAT(store.Put("a", "bytes", {}), IsOk());
  ++accepted_;
  const Status refusals[] = {store.Put("a", "bytes", {}).status(),
                             store.Get("a").status(),
                             store.Head("a").status(),
                             store.Delete("a"),
                             store.List("").status(),
                             store.CreateMultipart("a", {}).status(),
                             store.Open("a", 2, 3).status(),
                             store.Open("a", 0, 0).status()};
  for (const Status& refused : refusals) {
    EXPECT_THAT(refused, StatusIs(StatusCode::kUnavailable, HasSubstr("the keys that are set (ExpiredToken): set new ones and restart")));
    EXPECT_TRUE(IsError(refused, errors::kStoreCredentials));
  }
  EXPECT_EQ(server_.asked(), 0);
}

TEST_F(S3KeyStoreTest, WhatIsForbiddenIsNoOutage) {
  S3ObjectStore store(config_, clock_);
  forbidden_ = true;
  EXPECT_THAT(store.Head("a"), StatusIs(StatusCode::kPermissionDenied, HasSubstr("AccessDenied")));
  EXPECT_THAT(store.Get("a").status(), StatusIs(StatusCode::kPermissionDenied, HasSubstr("AccessDenied")));
}

}  // namespace
}  // namespace vora::storage
