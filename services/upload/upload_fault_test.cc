// Broken connections, rivals, and stores that go away. Each test ends with the whole file in the store.

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/testing/status_matchers.h"
#include "services/upload/harness_test.h"

namespace vora::upload {
namespace {

class UploadFaultTest : public ::testing::Test {
 protected:
  // Sends the rest of `bytes` from where the upload stands, in requests of `piece` bytes, until all are acknowledged.
  void Resume(const std::string& upload, std::string_view bytes, size_t piece) {
    for (int64_t offset = tus_.Offset(upload); offset < static_cast<int64_t>(bytes.size());) {
      ASSERT_GE(offset, 0);
      http::ClientResponse response = tus_.Patch(upload, offset, bytes.substr(static_cast<size_t>(offset), piece));
      ASSERT_EQ(response.status, 204) << response.body;
      offset = OffsetOf(response);
    }
  }
  void ExpectWhole(const std::string& upload, std::string_view bytes) {
    EXPECT_EQ(Sha256(Original(store_, upload)), Sha256(bytes));
    StatusOr<UploadDoc> doc = FromJson(*store_.Get("raw/" + IdOf(upload) + "/state"));
    ASSERT_THAT(doc, IsOk());
    EXPECT_EQ(doc->state, State::kUploaded);
    EXPECT_EQ(Keys(store_, "raw/" + IdOf(upload) + "/").size(), 2u) << "object and state";
    EXPECT_TRUE(Keys(store_, "open/").empty());
  }

  TempFolder dir_;
  FaultyStore store_{OpenStore(dir_.path())};
  Tus tus_;
};

TEST_F(UploadFaultTest, CutAtFortyPerCentAndResumedOnAnotherReplica) {
  const std::string bytes = RandomBytes(30'000'001);
  Replica first(store_), second(store_);
  std::string upload = tus_.Create(first.url(), bytes.size());
  const size_t cut = bytes.size() * 2 / 5;
  for (bool hard : {false, true}) {
    int64_t before = tus_.Offset(upload);
    RawConnection client(first.port());
    size_t end = hard ? cut + 1'000'000 : cut;
    ASSERT_TRUE(client.Send(PatchHead(upload, before, bytes.size() - static_cast<size_t>(before))));
    ASSERT_TRUE(client.Send(std::string_view(bytes).substr(static_cast<size_t>(before), end - static_cast<size_t>(before))));
    WaitFor("everything sent has arrived", [&] { return first.Metric("vora_upload_bytes_total") >= static_cast<double>(end); });
    hard ? client.Reset() : client.Close();
    // What arrived before the cut counts, also for the other replica.
    WaitFor("the cut is noticed", [&] { return tus_.Offset(At(upload, second)) == static_cast<int64_t>(end); });
  }
  Resume(At(upload, second), bytes, 7'000'000);
  ExpectWhole(upload, bytes);
  EXPECT_EQ(tus_.Offset(upload), static_cast<int64_t>(bytes.size()));
}

TEST_F(UploadFaultTest, TwoReplicasTakeTurns) {
  const std::string bytes = RandomBytes(25'000'000);
  Replica a(store_), b(store_);
  std::string upload = tus_.Create(a.url(), bytes.size());
  int64_t offset = 0;
  for (int turn = 0; offset < static_cast<int64_t>(bytes.size()); ++turn) {
    http::ClientResponse response =
        tus_.Patch(At(upload, turn % 2 ? a : b), offset, std::string_view(bytes).substr(static_cast<size_t>(offset), 1'234'567));
    ASSERT_EQ(response.status, 204) << response.body;
    offset = OffsetOf(response);
  }
  ExpectWhole(upload, bytes);
}

TEST_F(UploadFaultTest, NewerRequestTakesAHalfOpenUploadOver) {
  const std::string bytes = RandomBytes(12'000'000);
  Replica replica(store_);
  std::string upload = tus_.Create(replica.url(), bytes.size());
  RawConnection stuck(replica.port());
  stuck.Send(PatchHead(upload, 0, bytes.size()) + bytes.substr(0, 9'000'000));
  WaitFor("the bytes have arrived", [&] { return replica.Metric("vora_upload_bytes_total") == 9'000'000; });
  EXPECT_EQ(tus_.Offset(upload), 9'000'000) << "the old connection is still open";
  EXPECT_EQ(replica.Metric("vora_upload_takeovers_total"), 1);
  Resume(upload, bytes, bytes.size());
  ExpectWhole(upload, bytes);
  stuck.Send(bytes.substr(9'000'000));
  EXPECT_NE(stuck.ReadAll().find(" 423 "), std::string::npos);
  ExpectWhole(upload, bytes);
}

TEST_F(UploadFaultTest, TakeoverWithAChecksumDropsTheOlderRequest) {
  Replica replica(store_);
  std::string upload = tus_.Create(replica.url(), 10);
  RawConnection stuck(replica.port());
  stuck.Send(PatchHead(upload, 0, 10, "Upload-Checksum: crc32 AAAAAA==\r\n") + "12345");
  WaitFor("the bytes have arrived", [&] { return replica.Metric("vora_upload_bytes_total") == 5; });
  EXPECT_EQ(tus_.Offset(upload), 0);
  Resume(upload, "1234567890", 10);
  ExpectWhole(upload, "1234567890");
}

TEST_F(UploadFaultTest, TerminationDuringAPatch) {
  const std::string bytes = RandomBytes(12'000'000);
  Replica replica(store_), other(store_);
  for (bool elsewhere : {false, true}) {
    std::string upload = tus_.Create(replica.url(), bytes.size());
    double before = replica.Metric("vora_upload_bytes_total");
    RawConnection sender(replica.port());
    sender.Send(PatchHead(upload, 0, bytes.size()) + bytes.substr(0, 9'000'000));
    WaitFor("the bytes have arrived", [&] { return replica.Metric("vora_upload_bytes_total") == before + 9'000'000; });
    EXPECT_EQ(tus_.Delete(elsewhere ? At(upload, other) : upload).status, 204);
    EXPECT_EQ(tus_.Head(upload).status, 404);
    sender.Send(bytes.substr(9'000'000));
    EXPECT_EQ(sender.ReadAll().find(" 204 "), std::string::npos);
    WaitFor("everything is gone", [&] { return Keys(store_, "raw/").empty() && Keys(store_, "open/").empty(); });
  }
}

TEST_F(UploadFaultTest, RivalsOnTwoReplicasNeverMixTheirBytes) {
  const std::string bytes = RandomBytes(40'000'000);
  Replica a(store_), b(store_);
  std::string upload = tus_.Create(a.url(), bytes.size());
  auto rival = [&](Replica& replica, size_t piece) {
    Tus tus;
    for (int64_t offset = 0; offset < static_cast<int64_t>(bytes.size());) {
      http::ClientResponse response =
          tus.Patch(At(upload, replica), offset, std::string_view(bytes).substr(static_cast<size_t>(offset), piece));
      bool expected = response.status == 204 || response.status == 409 || response.status == 423 || response.status == 413;
      ASSERT_TRUE(expected) << response.status << response.body;
      offset = response.status == 204 ? OffsetOf(response) : tus.Offset(At(upload, replica));
      if (offset < 0) offset = 0;
    }
  };
  std::thread first([&] { rival(a, 3'000'000); });
  std::thread second([&] { rival(b, 11'000'000); });
  std::thread third([&] { rival(a, 9'000'000); });
  first.join();
  second.join();
  third.join();
  ExpectWhole(upload, bytes);
}

TEST_F(UploadFaultTest, StoreAwayMeans503AndNothingAcknowledgedIsLost) {
  const std::string bytes = RandomBytes(20'000'000);
  Replica replica(store_);
  std::string upload = tus_.Create(replica.url(), bytes.size());
  ASSERT_EQ(tus_.Patch(upload, 0, std::string_view(bytes).substr(0, 9'000'000)).status, 204);
  store_.SetAway(true);
  http::ClientResponse head = tus_.Head(upload);
  EXPECT_EQ(head.status, 503);
  EXPECT_TRUE(head.headers.Has("Retry-After"));
  EXPECT_EQ(tus_.Patch(upload, 9'000'000, "x").status, 503);
  EXPECT_EQ(tus_.Post(replica.url(), {{"Upload-Length", "5"}}).status, 503);
  WaitFor("readiness notices", [&] { return !replica.app().StoreHealth().ok(); });
  store_.SetAway(false);
  WaitFor("readiness recovers", [&] { return replica.app().StoreHealth().ok(); });
  EXPECT_EQ(tus_.Offset(upload), 9'000'000);
  Resume(upload, bytes, bytes.size());
  ExpectWhole(upload, bytes);
}

TEST_F(UploadFaultTest, DrainingKeepsWhatArrived) {
  const std::string bytes = RandomBytes(12'000'000);
  Replica old(store_), next(store_);
  std::string upload = tus_.Create(old.url(), bytes.size());
  RawConnection sender(old.port());
  sender.Send(PatchHead(upload, 0, bytes.size()) + bytes.substr(0, 9'000'000));
  WaitFor("the bytes have arrived", [&] { return old.Metric("vora_upload_bytes_total") == 9'000'000; });
  std::thread stop([&] { old.app().Stop(std::chrono::seconds(5)); });
  WaitFor("the bytes are handed over", [&] { return tus_.Offset(At(upload, next)) == 9'000'000; });
  stop.join();
  Resume(At(upload, next), bytes, bytes.size());
  ExpectWhole(upload, bytes);
}

// The store goes away for good after every possible number of calls, with and without carrying out the last one, and the daemon with
// it. Another daemon then goes on: whatever was acknowledged is there, and the file comes out whole.
TEST_F(UploadFaultTest, CrashBetweenAnyTwoStepsIsRecovered) {
  const std::string bytes = RandomBytes(9'500'000);
  UploadSettings settings = TestSettings();
  for (bool lose_answer : {false, true}) {
    bool crashed = true;
    for (int calls = 0; crashed; ++calls) {
      SCOPED_TRACE("after " + std::to_string(calls) + " calls, answer lost: " + std::to_string(lose_answer));
      auto victim = std::make_unique<Replica>(store_, settings);
      std::string upload = tus_.Create(victim->url(), bytes.size());
      ASSERT_EQ(tus_.Patch(upload, 0, std::string_view(bytes).substr(0, 1000)).status, 204);
      WaitFor("background calls are over", [&] { return victim->app().StoreHealth().ok(); });
      store_.GoAwayAfter(calls, lose_answer);
      int64_t acknowledged = 1000;
      for (size_t piece : {size_t{9'000'000}, bytes.size()}) {
        http::ClientResponse response =
            tus_.Patch(upload, acknowledged, std::string_view(bytes).substr(static_cast<size_t>(acknowledged), piece));
        if (response.status != 204) break;
        acknowledged = OffsetOf(response);
      }
      crashed = store_.away();
      victim->Stop();
      store_.SetAway(false);

      Replica heir(store_, settings);
      upload = At(upload, heir);
      int64_t offset = tus_.Offset(upload);
      ASSERT_GE(offset, acknowledged);
      if (offset == 1000 && calls % 2) {
        // The bytes the victim had got into the store must not shine through.
        ASSERT_EQ(tus_.Patch(upload, offset, std::string_view(bytes).substr(1000, 50'000)).status, 204);
      }
      Resume(upload, bytes, 5'000'000);
      ASSERT_THAT(heir.app().Sweep(), IsOk());
      ExpectWhole(upload, bytes);
      if (HasFailure()) return;
    }
  }
}

// Another replica may be completing it: only what stays away is lost.
TEST_F(UploadFaultTest, MissingPartsAreBelievedAfterSixMinutes) {
  const std::string bytes = RandomBytes(9'500'000);
  FakeClock clock{std::chrono::system_clock::now()};
  Replica replica(store_, TestSettings(), clock);
  const std::string upload = tus_.Create(replica.url(), bytes.size());
  ASSERT_EQ(tus_.Patch(upload, 0, std::string_view(bytes).substr(0, 9'000'000)).status, 204);
  const StatusOr<UploadDoc> doc = FromJson(*store_.Get("raw/" + IdOf(upload) + "/state"));
  ASSERT_THAT(doc, IsOk());
  ASSERT_THAT(store_.AbortMultipart("raw/" + IdOf(upload) + "/original", doc->multipart_id), IsOk());
  EXPECT_EQ(tus_.Patch(upload, 9'000'000, std::string_view(bytes).substr(9'000'000)).status, 503);
  EXPECT_EQ(FromJson(*store_.Get("raw/" + IdOf(upload) + "/state"))->state, State::kUploading);
  clock.Advance(std::chrono::minutes(7));
  EXPECT_EQ(tus_.Head(upload).status, 410);
  const StatusOr<UploadDoc> lost = FromJson(*store_.Get("raw/" + IdOf(upload) + "/state"));
  ASSERT_THAT(lost, IsOk());
  EXPECT_EQ(lost->state, State::kFailed);
  EXPECT_EQ(lost->failure_kind, Failure::kBytesLost);
}

// Somebody may be completing it just now: what counts is since when they are missed, not how old the upload is.
TEST_F(UploadFaultTest, PartsOfAnOldUploadThatAreMissingNowAreWaitedFor) {
  const std::string bytes = RandomBytes(9'500'000);
  FakeClock clock{std::chrono::system_clock::now()};
  Replica replica(store_, TestSettings(), clock);
  const std::string upload = tus_.Create(replica.url(), bytes.size());
  ASSERT_EQ(tus_.Patch(upload, 0, std::string_view(bytes).substr(0, 9'000'000)).status, 204);
  store_.Rule([](std::string_view call, const std::string&) {
    return call == "CompleteMultipart" ? FaultyStore::Verdict::kRefuse : FaultyStore::Verdict::kPass;
  });
  EXPECT_EQ(tus_.Patch(upload, 9'000'000, std::string_view(bytes).substr(9'000'000)).status, 503);
  store_.Rule(nullptr);
  clock.Advance(std::chrono::minutes(30));
  const StatusOr<UploadDoc> doc = FromJson(*store_.Get("raw/" + IdOf(upload) + "/state"));
  ASSERT_THAT(store_.AbortMultipart("raw/" + IdOf(upload) + "/original", doc->multipart_id), IsOk());
  EXPECT_EQ(tus_.Head(upload).status, 503);
  EXPECT_EQ(FromJson(*store_.Get("raw/" + IdOf(upload) + "/state"))->state, State::kUploading);
}

// A part that cannot be stored ends the request; the parts before it still count, and so does their digest.
TEST_F(UploadFaultTest, PartsBeforeAFailedOneAreKept) {
  const std::string bytes = RandomBytes(30'000'000);
  UploadSettings settings = TestSettings();
  settings.checkpoint_bytes = 1 << 30;
  Replica replica(store_, settings);
  std::string upload = tus_.Create(replica.url(), bytes.size(), {{"Upload-Metadata", "sha256 " + Base64Encode(HexEncode(Sha256(bytes)))}});
  int parts = 0;
  store_.Rule([&parts](std::string_view call, const std::string&) {
    return call == "UploadPart" && ++parts >= 3 ? FaultyStore::Verdict::kRefuse : FaultyStore::Verdict::kPass;
  });
  EXPECT_EQ(tus_.Patch(upload, 0, bytes).status, 503);
  store_.Rule(nullptr);
  EXPECT_EQ(tus_.Offset(upload), 2 * kPartSize);
  Resume(upload, bytes, bytes.size());
  ExpectWhole(upload, bytes);
}

// Every call may fail, with or without having been carried out. Whatever was acknowledged stays, and the file comes out whole.
TEST_F(UploadFaultTest, UnreliableStoreNeverLosesAcknowledgedBytes) {
  for (unsigned seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::string bytes = RandomBytes(10'000'000 + seed * 100'000, seed);
    UploadSettings settings = TestSettings();
    settings.checkpoint_bytes = seed % 2 ? kPartSize : 4 * kPartSize;
    Replica a(store_, settings), b(store_, settings);
    std::string upload = tus_.Create(a.url(), bytes.size(), {{"Upload-Metadata", "sha256 " + Base64Encode(HexEncode(Sha256(bytes)))}});
    std::mt19937 random(seed);
    store_.Rule([&random](std::string_view, const std::string&) {
      auto dice = random() % 10;
      return dice == 0 ? FaultyStore::Verdict::kRefuse : dice <= 3 ? FaultyStore::Verdict::kLoseAnswer : FaultyStore::Verdict::kPass;
    });
    int64_t acknowledged = 0;
    for (int request = 0; acknowledged < static_cast<int64_t>(bytes.size()); ++request) {
      ASSERT_LT(request, 2000);
      Replica& replica = request % 3 ? a : b;
      int64_t offset = tus_.Offset(At(upload, replica));
      if (offset < 0) continue;
      ASSERT_GE(offset, acknowledged);
      size_t piece = request % 2 ? 600'000 : 9'000'000;
      http::ClientResponse response =
          tus_.Patch(At(upload, replica), offset, std::string_view(bytes).substr(static_cast<size_t>(offset), piece));
      ASSERT_TRUE(response.status == 204 || response.status == 503 || response.status == 423 || response.status == 409 ||
                  response.status == 413)
          << response.status << response.body;
      acknowledged = std::max(offset, OffsetOf(response));
    }
    store_.Rule(nullptr);
    EXPECT_EQ(tus_.Offset(At(upload, a)), static_cast<int64_t>(bytes.size()));
    ASSERT_THAT(a.app().Sweep(), IsOk());
    ExpectWhole(upload, bytes);
    if (HasFailure()) return;
  }
}

TEST_F(UploadFaultTest, SweeperFinishesWhatNobodyAsksFor) {
  const std::string bytes = RandomBytes(9'000'000);
  auto victim = std::make_unique<Replica>(store_);
  std::string upload = tus_.Create(victim->url(), bytes.size());
  ASSERT_EQ(tus_.Patch(upload, 0, std::string_view(bytes).substr(0, 8'999'999)).status, 204);
  // Load, tail read, new tail, state: the last byte is acknowledged, finishing is not.
  store_.GoAwayAfter(4, false);
  EXPECT_EQ(tus_.Patch(upload, 8'999'999, std::string_view(bytes).substr(8'999'999)).status, 503);
  victim->Stop();
  store_.SetAway(false);
  Replica heir(store_);
  WaitFor("the sweep at start has finished it", [&] { return heir.Metric("vora_upload_finished_total{result=\"uploaded\"}") == 1; });
  WaitFor("and tidied up", [&] { return Keys(store_, "open/").empty(); });
  ExpectWhole(upload, bytes);
}

}  // namespace
}  // namespace vora::upload
