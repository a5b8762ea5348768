// Manifests over HTTP: growing, final, and whatever can be had while metadata is away.

#include <chrono>
#include <future>
#include <thread>

#include <gmock/gmock.h>

#include "services/streaming-gateway/fixture_test.h"

namespace vora::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kManifestBase = std::string("/v/") + kVideo + "/";
const std::string kManifestPrefix = std::string("processed/") + kVideo + "/";

class ManifestsTest : public GatewayTest {
 protected:
  void NextSecond() { clock_.Advance(std::chrono::milliseconds(1100)); }
};

TEST_F(ManifestsTest, GrowWithTheVideo) {
  Start();
  playback_.Set(MakePresentation("PROCESSING", 0, false));
  const auto early = Get(kManifestBase + "master.m3u8");
  EXPECT_EQ(early.status, 404);
  EXPECT_THAT(early.body, HasSubstr("not_playable_yet"));
  EXPECT_EQ(early.headers.GetOr("Retry-After", ""), "1");
  EXPECT_EQ(Get(kManifestBase + "720p/playlist.m3u8").status, 404);

  playback_.Set(MakePresentation("PARTIALLY_READY", 1, false));
  NextSecond();
  const auto master = Get(kManifestBase + "master.m3u8");
  EXPECT_EQ(master.status, 200);
  EXPECT_EQ(master.headers.GetOr("Content-Type", ""), "application/vnd.apple.mpegurl");
  EXPECT_EQ(master.headers.GetOr("Cache-Control", ""), "public, max-age=1, stale-while-revalidate=5");
  EXPECT_THAT(master.body, HasSubstr("\n720p/playlist.m3u8\n"));
  const auto media = Get(kManifestBase + "720p/playlist.m3u8");
  EXPECT_THAT(media.body, HasSubstr("EVENT"));
  EXPECT_THAT(media.body, Not(HasSubstr("seg_1.m4s")));
  const auto mpd = Get(kManifestBase + "manifest.mpd");
  EXPECT_EQ(mpd.headers.GetOr("Content-Type", ""), "application/dash+xml");
  EXPECT_THAT(mpd.body, HasSubstr("type=\"dynamic\""));

  playback_.Set(MakePresentation("PARTIALLY_READY", 2, false));
  NextSecond();
  EXPECT_THAT(Get(kManifestBase + "720p/playlist.m3u8").body, HasSubstr("seg_1.m4s"));
  EXPECT_EQ(Get(kManifestBase + "4320p/playlist.m3u8").status, 404);
}

TEST_F(ManifestsTest, FinalOnesAreThePublishedObjectsOrElseBuilt) {
  Start();
  playback_.Set(MakePresentation("READY", 3, true));
  const auto built = Get(kManifestBase + "720p/playlist.m3u8");
  EXPECT_THAT(built.body, HasSubstr("#EXT-X-ENDLIST"));
  Put(kManifestPrefix + "720p/playlist.m3u8", "#EXTM3U\n# published\n");
  Put(kManifestPrefix + "master.m3u8", "#EXTM3U\n# published\n");
  Put(kManifestPrefix + "manifest.mpd", "<MPD published=\"yes\"/>");
  for (const char* name : {"720p/playlist.m3u8", "master.m3u8", "manifest.mpd"}) {
    const auto published = Get(kManifestBase + name);
    EXPECT_EQ(published.status, 200) << name;
    EXPECT_THAT(published.body, HasSubstr("published")) << name;
    EXPECT_EQ(published.headers.GetOr("Cache-Control", ""), "public, max-age=60, stale-while-revalidate=600") << name;
    http::Headers same;
    same.Set("If-None-Match", published.headers.GetOr("ETag", ""));
    EXPECT_EQ(Get(kManifestBase + name, same).status, 304) << name;
    const auto head = Get(kManifestBase + name, {}, "HEAD");
    EXPECT_EQ(head.headers.GetOr("Content-Length", ""), std::to_string(published.body.size())) << name;
  }
}

TEST_F(ManifestsTest, UnknownFailedAndCancelledVideosSaySo) {
  Start();
  const auto unknown = Get(kManifestBase + "master.m3u8");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("\"NOT_FOUND\""));
  EXPECT_FALSE(unknown.headers.Has("Retry-After"));
  auto failed = MakePresentation("FAILED", 0, false);
  failed.set_failure("the file holds no video");
  playback_.Set(failed);
  NextSecond();
  const auto answer = Get(kManifestBase + "master.m3u8");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr("video_failed"));
  EXPECT_THAT(answer.body, HasSubstr("the file holds no video"));
  playback_.Set(MakePresentation("CANCELLED", 1, false));
  NextSecond();
  EXPECT_THAT(Get(kManifestBase + "manifest.mpd").body, HasSubstr("video_cancelled"));
}

TEST_F(ManifestsTest, FailedTracksAreLeftOut) {
  Start();
  auto partial = MakePresentation("READY", 2, true);
  partial.mutable_tracks(1)->set_failed(true);
  partial.mutable_tracks(1)->set_complete(false);
  playback_.Set(partial);
  const auto master = Get(kManifestBase + "master.m3u8");
  EXPECT_THAT(master.body, HasSubstr("360p/playlist.m3u8"));
  EXPECT_THAT(master.body, Not(HasSubstr("720p")));
  EXPECT_EQ(Get(kManifestBase + "720p/playlist.m3u8").status, 404);
}

TEST_F(ManifestsTest, CaptionsAreListedOnceTheVideoIsWhole) {
  Start();
  auto growing = MakePresentation("PARTIALLY_READY", 1, false);
  auto* caption = growing.add_captions();
  caption->set_track("subs_en");
  caption->set_language("en");
  caption->set_name("English");
  playback_.Set(growing);
  EXPECT_THAT(Get(kManifestBase + "master.m3u8").body, Not(HasSubstr("SUBTITLES")));
  auto whole = MakePresentation("READY", 3, true);
  *whole.mutable_captions() = growing.captions();
  playback_.Set(whole);
  NextSecond();
  EXPECT_THAT(Get(kManifestBase + "master.m3u8").body, HasSubstr("URI=\"subs_en/playlist.m3u8\""));
  EXPECT_THAT(Get(kManifestBase + "manifest.mpd").body, HasSubstr("<BaseURL>subs_en/seg_0.vtt</BaseURL>"));
  const auto playlist = Get(kManifestBase + "subs_en/playlist.m3u8");
  EXPECT_EQ(playlist.status, 200);
  EXPECT_THAT(playlist.body, HasSubstr("\nseg_0.vtt\n"));
  Put(kManifestPrefix + "subs_en/seg_0.vtt", "WEBVTT\n");
  const auto text = Get(kManifestBase + "subs_en/seg_0.vtt");
  EXPECT_EQ(text.body, "WEBVTT\n");
  EXPECT_EQ(text.headers.GetOr("Content-Type", ""), "text/vtt");
}

TEST_F(ManifestsTest, AStoryboardIsServedAsSoonAsItIsPublished) {
  Start();
  playback_.Set(MakePresentation("PARTIALLY_READY", 1, false));
  EXPECT_EQ(Get(kManifestBase + "storyboard.vtt").status, 404);
  Put(kManifestPrefix + "storyboard.vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nstoryboard_0.jpg#xywh=0,0,160,90\n");
  Put(kManifestPrefix + "storyboard_0.jpg", "tiles");
  NextSecond();
  const auto vtt = Get(kManifestBase + "storyboard.vtt");
  EXPECT_EQ(vtt.status, 200);
  EXPECT_THAT(vtt.body, HasSubstr("\nstoryboard_0.jpg#xywh=0,0,160,90\n"));
  EXPECT_EQ(vtt.headers.GetOr("Content-Type", ""), "text/vtt");
  EXPECT_EQ(vtt.headers.GetOr("Cache-Control", ""), "public, max-age=60, stale-while-revalidate=600");
  EXPECT_EQ(Get(kManifestBase + "storyboard_0.jpg").body, "tiles");
}

TEST_F(ManifestsTest, MetadataIsAskedOnceASecondAndOnceForMany) {
  Start();
  playback_.Set(MakePresentation("PARTIALLY_READY", 1, false));
  playback_.Hold();
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 30; ++i) clients.emplace_back([&] { EXPECT_EQ(Get(kManifestBase + "master.m3u8").status, 200); });
    EXPECT_TRUE(Eventually([&] { return playback_.calls() == 1; }));
    playback_.Release();
  }
  EXPECT_EQ(Get(kManifestBase + "720p/playlist.m3u8").status, 200);
  EXPECT_EQ(playback_.calls(), 1);
  NextSecond();
  EXPECT_EQ(Get(kManifestBase + "manifest.mpd").status, 200);
  EXPECT_EQ(playback_.calls(), 2);
}

TEST_F(ManifestsTest, WhileMetadataIsAwayTheLastAnswerLivesOn) {
  Start();
  playback_.Set(MakePresentation("PARTIALLY_READY", 1, false));
  EXPECT_EQ(Get(kManifestBase + "master.m3u8").status, 200);
  playback_.Stop();
  NextSecond();
  const auto stale = Get(kManifestBase + "master.m3u8");
  EXPECT_EQ(stale.status, 200);
  EXPECT_EQ(stale.headers.GetOr("Cache-Control", ""), "public, max-age=1, stale-while-revalidate=5");
  // The video is finished meanwhile: what is published is newer than what is remembered.
  Put(kManifestPrefix + "master.m3u8", "#EXTM3U\n# published\n");
  EXPECT_THAT(Get(kManifestBase + "master.m3u8").body, HasSubstr("published"));

  playback_.Set(MakePresentation("PARTIALLY_READY", 5, false));
  playback_.Start();
  EXPECT_TRUE(Eventually([&] {
    NextSecond();
    return Get(kManifestBase + "720p/playlist.m3u8").body.find("seg_4.m4s") != std::string::npos;
  }));
}

TEST_F(ManifestsTest, WhileMetadataIsAwayPublishedManifestsOfUnheardVideosAreServed) {
  playback_.Stop();
  Start();
  const auto nothing = Get(kManifestBase + "master.m3u8");
  EXPECT_EQ(nothing.status, 503) << "it may exist: only metadata knows";
  EXPECT_EQ(nothing.headers.GetOr("Retry-After", ""), "1");
  Put(kManifestPrefix + "master.m3u8", "#EXTM3U\n# published\n");
  EXPECT_EQ(Get(kManifestBase + "master.m3u8").status, 200);
  playback_.Set(MakePresentation("READY", 1, true));
  playback_.Start();
  EXPECT_TRUE(Eventually([&] {
    NextSecond();
    return Get(kManifestBase + "720p/playlist.m3u8").status == 200;
  }));
}

TEST_F(ManifestsTest, WhileTheStoreKeepsSilentFinalOnesAreBuilt) {
  Start();
  Put(kManifestPrefix + "720p/playlist.m3u8", "#EXTM3U\n# published\n");
  playback_.Set(MakePresentation("READY", 3, true));
  store_->Hold();
  auto built = std::async(std::launch::async, [&] { return Get(kManifestBase + "720p/playlist.m3u8"); });
  const bool answered = built.wait_for(std::chrono::seconds(30)) == std::future_status::ready;
  store_->Release();
  ASSERT_TRUE(answered);
  EXPECT_THAT(built.get().body, HasSubstr("#EXT-X-ENDLIST"));
  EXPECT_TRUE(Eventually([&] { return Get(kManifestBase + "720p/playlist.m3u8").body.find("published") != std::string::npos; }));
}

TEST_F(ManifestsTest, ReencodesLieInTheirOwnFolder) {
  Start();
  auto again = MakePresentation("READY", 1, true);
  again.set_object_prefix(std::string("processed/") + kVideo + "/r2");
  playback_.Set(again);
  EXPECT_THAT(Get(kManifestBase + "master.m3u8").body, HasSubstr("\nr2/720p/playlist.m3u8\n"));
  EXPECT_THAT(Get(kManifestBase + "r2/master.m3u8").body, HasSubstr("\n720p/playlist.m3u8\n"));
  EXPECT_EQ(Get(kManifestBase + "r2/720p/playlist.m3u8").status, 200);
  EXPECT_EQ(Get(kManifestBase + "720p/playlist.m3u8").status, 404);
  EXPECT_EQ(Get(kManifestBase + "r3/master.m3u8").status, 404);
  Put(kManifestPrefix + "720p/playlist.m3u8", "#EXTM3U\n# first encode\n");
  Put(kManifestPrefix + "r2/master.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n720p/playlist.m3u8\n");
  Put(kManifestPrefix + "poster.jpg", "first");
  Put(kManifestPrefix + "r2/poster.jpg", "second");
  EXPECT_THAT(Get(kManifestBase + "720p/playlist.m3u8").body, HasSubstr("first encode")) << "players that began before go on";
  EXPECT_EQ(Get(kManifestBase + "master.m3u8").body, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nr2/720p/playlist.m3u8\n");
  const auto poster = Get(kManifestBase + "poster.jpg");
  EXPECT_EQ(poster.body, "second");
  EXPECT_EQ(poster.headers.GetOr("Content-Type", ""), "image/jpeg");
  EXPECT_EQ(poster.headers.GetOr("Cache-Control", ""), "public, max-age=60, stale-while-revalidate=600");
}

}  // namespace
}  // namespace vora::gateway
