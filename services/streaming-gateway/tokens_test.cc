// Playback tokens over HTTP, and how they are minted.

#include <limits>
#include <tuple>

#include <gmock/gmock.h>

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "libs/rpc/server.h"
#include "libs/run/lifecycle.h"
#include "libs/testing/status_matchers.h"
#include "services/streaming-gateway/fixture_test.h"
#include "services/streaming-gateway/gateway_service.h"
#include "vora/playback/v1/playback.grpc.pb.h"

namespace vora::gateway {
namespace {

using ::testing::HasSubstr;

const std::string kTokenBase = std::string("/v/") + kVideo + "/";
const std::string kTokenPrefix = std::string("processed/") + kVideo + "/";

class TokensTest : public GatewayTest {
 protected:
  TokensTest() {
    options_.tokens.emplace(std::vector<auth::PlaybackKey>{{"k1", "a secret of enough bytes"}});
    playback_.Set(MakePresentation("PARTIALLY_READY", 1, false));
    Put(kTokenPrefix + "720p/seg_0.m4s", "bytes");
  }
  std::string Mint(const std::string& video_id, int seconds) {
    int64_t expires = 0;
    return gateway_->access().Mint(video_id, std::chrono::seconds(seconds), &expires).value();
  }
};

TEST_F(TokensTest, MissingBadExpiredAndForeignTokensAreRefused) {
  Start();
  const auto missing = Get(kTokenBase + "720p/seg_0.m4s");
  EXPECT_EQ(missing.status, 401);
  EXPECT_EQ(missing.headers.GetOr("Cache-Control", ""), "private, no-store");
  EXPECT_THAT(missing.body, HasSubstr("\"UNAUTHENTICATED\""));
  EXPECT_EQ(Get(kTokenBase + "master.m3u8?token=nonsense").status, 401);
  const std::string token = Mint(kVideo, 60);
  EXPECT_EQ(Get(kTokenBase + "720p/seg_0.m4s?token=" + token).status, 200);
  EXPECT_EQ(Get("/v/019a0000000070008000000000000002/720p/seg_0.m4s?token=" + token).status, 403);
  EXPECT_EQ(Get(kTokenBase + "poster.jpg").status, 401);
  clock_.Advance(std::chrono::seconds(61));
  EXPECT_EQ(Get(kTokenBase + "720p/seg_0.m4s?token=" + token).status, 401);
}

TEST_F(TokensTest, QueryTokensAreHandedOnInPlaylists) {
  Start();
  const std::string query = "?token=" + Mint(kVideo, 60);
  const auto master = Get(kTokenBase + "master.m3u8" + query);
  EXPECT_EQ(master.status, 200);
  EXPECT_EQ(master.headers.GetOr("Cache-Control", ""), "private, max-age=1, stale-while-revalidate=5");
  EXPECT_THAT(master.body, HasSubstr("\n720p/playlist.m3u8" + query + "\n"));
  EXPECT_THAT(master.body, HasSubstr("URI=\"audio_0/playlist.m3u8" + query + "\""));
  const auto media = Get(kTokenBase + "720p/playlist.m3u8" + query);
  EXPECT_THAT(media.body, HasSubstr("URI=\"init.mp4" + query + "\""));
  EXPECT_THAT(media.body, HasSubstr("\nseg_0.m4s" + query + "\n"));
  EXPECT_THAT(Get(kTokenBase + "manifest.mpd" + query).body, HasSubstr("seg_$Number$.m4s" + query + "\""));
}

TEST_F(TokensTest, PathAndCookieTokensLeavePlaylistsAlone) {
  Start();
  const std::string token = Mint(kVideo, 60);
  const auto by_path = Get("/t/" + token + kTokenBase + "master.m3u8");
  EXPECT_EQ(by_path.status, 200);
  EXPECT_THAT(by_path.body, HasSubstr("\n720p/playlist.m3u8\n"));
  EXPECT_EQ(Get("/t/" + token + kTokenBase + "720p/seg_0.m4s").headers.GetOr("Cache-Control", ""), "private, max-age=31536000, immutable");
  EXPECT_EQ(Get("/t/bad" + kTokenBase + "720p/seg_0.m4s").status, 401);
  http::Headers cookie;
  cookie.Set("Cookie", "a=b; vora_token=" + token + "; c=d");
  EXPECT_EQ(Get(kTokenBase + "720p/seg_0.m4s", cookie).body, "bytes");
}

TEST(EdgeSecrets, AreSeparatedByCommasAndLongEnough) {
  EXPECT_THAT(*ParseEdgeSecrets(""), ::testing::IsEmpty());
  EXPECT_THAT(*ParseEdgeSecrets("0123456789abcdef,0123456789ABCDEF"), ::testing::ElementsAre("0123456789abcdef", "0123456789ABCDEF"));
  for (const char* bad : {"short", "0123456789abcdef,short", "0123456789abcdef,,", "0123456789abcde f", "0123456789abcde\"f"}) {
    const auto refused = ParseEdgeSecrets(bad);
    ASSERT_THAT(refused, ::testing::Not(IsOk())) << bad;
    EXPECT_THAT(Message(refused.status()), HasSubstr("entry ")) << bad;
    EXPECT_THAT(Message(refused.status()), ::testing::Not(HasSubstr("0123456789"))) << bad;
  }
}

// What the edge may keep is never more than what the token lives.
TEST(Judge, KeepsNoVerdictBeyondTheToken) {
  FakeClock clock;
  const auth::PlaybackTokens tokens(std::vector<auth::PlaybackKey>{{"k1", "a secret of enough bytes"}});
  const Access access(tokens, clock, {{}, std::chrono::seconds(60)});
  http::Request request;
  for (const auto& [left, fresh, stale] : {std::tuple{600, 60, 540}, {61, 60, 1}, {60, 60, 0}, {5, 5, 0}, {1, 1, 0}}) {
    request.headers.Set("X-Vora-Token", tokens.Sign({kVideo, kPlayScope, std::chrono::system_clock::to_time_t(clock.Now()) + left}));
    const auto verdict = access.Judge(request, kVideo);
    ASSERT_THAT(verdict, IsOk());
    EXPECT_EQ(verdict->fresh.count(), fresh);
    EXPECT_EQ(verdict->stale.count(), stale);
  }
  clock.Advance(std::chrono::milliseconds(300));
  EXPECT_EQ(access.Judge(request, kVideo)->fresh.count(), 0) << "0.7 s are not kept for one";
  clock.Advance(std::chrono::milliseconds(700));
  EXPECT_THAT(access.Judge(request, kVideo), StatusIs(StatusCode::kUnauthenticated));
  request.headers.Set("X-Vora-Token", tokens.Sign({kVideo, kPlayScope, std::numeric_limits<int64_t>::max()}));
  EXPECT_EQ(access.Judge(request, kVideo)->fresh.count(), 60);
}

TEST(CookieValue, FindsOneAmongMany) {
  EXPECT_EQ(CookieValue("vora_token=x", "vora_token"), "x");
  EXPECT_EQ(CookieValue("a=1;vora_token=x=y ; b", "vora_token"), "x=y");
  EXPECT_EQ(CookieValue("my_vora_token=x", "vora_token"), std::nullopt);
  EXPECT_EQ(CookieValue("", "vora_token"), std::nullopt);
  EXPECT_EQ(CookieValue(";;=;", "vora_token"), std::nullopt);
}

class MintTest : public ::testing::Test {
 protected:
  grpc::Status Mint(const Access& access, const std::string& video_id, int64_t ttl, playback::v1::MintPlaybackTokenResponse* response) {
    const auto service = MakeGatewayService(access, rpc::Authorizer::Open());
    Readiness readiness;
    readiness.SetStarted();
    obs::Metrics metrics;
    auto server = rpc::Server::Start({}, {service.get()}, readiness, metrics);
    EXPECT_THAT(server, IsOk());
    const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string((*server)->port()), grpc::InsecureChannelCredentials());
    playback::v1::MintPlaybackTokenRequest request;
    request.set_video_id(video_id);
    request.set_ttl_seconds(ttl);
    grpc::ClientContext context;
    return playback::v1::GatewayService::NewStub(channel)->MintPlaybackToken(&context, request, response);
  }
  FakeClock clock_;
  auth::PlaybackTokens tokens_{std::vector<auth::PlaybackKey>{{"k1", "a secret of enough bytes"}}};
};

TEST_F(MintTest, MintsWhatTheGatewayAccepts) {
  const Access access(tokens_, clock_);
  playback::v1::MintPlaybackTokenResponse response;
  const auto status = Mint(access, kVideo, 60, &response);
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(response.expires_at_unix(), 1'700'000'060);
  EXPECT_THAT(tokens_.Verify(response.token(), kVideo, kPlayScope, clock_.Now()), IsOk());
}

TEST_F(MintTest, NamesWhatIsWrong) {
  playback::v1::MintPlaybackTokenResponse response;
  EXPECT_EQ(Mint(Access(std::nullopt, clock_), kVideo, 60, &response).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  const Access access(tokens_, clock_);
  for (const int64_t ttl : {0L, -1L, 86'401L}) {
    const auto status = Mint(access, kVideo, ttl, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("ttl_seconds"));
  }
  EXPECT_THAT(Mint(access, "../x", 60, &response).error_message(), HasSubstr("video_id"));
}

}  // namespace
}  // namespace vora::gateway
