#include "services/metadata/imports/scanner.h"

#include <algorithm>

#include "libs/core/text.h"
#include "libs/log/log.h"
#include "libs/run/retry.h"
#include "libs/storage/base/key.h"
#include "services/metadata/imports/source_files.h"

namespace vora::metadata {
namespace {

constexpr std::chrono::milliseconds kScanPause{2000};
constexpr std::chrono::milliseconds kScanLease{60'000};  // longer than a page takes
constexpr std::chrono::hours kScanPurgePause{1};
constexpr int kKeptScans = 50;  // of a source
constexpr int kScanPage = 500;
constexpr int kMostTries = 60;    // of a page: an hour
constexpr int kPagesAtOnce = 20;  // then it is the turn of another source
constexpr int kMostBacklog = 2 * kScanPage;

RetryOptions ScanBackoff() {
  return {.max_attempts = 0, .initial = std::chrono::milliseconds(500), .max = std::chrono::milliseconds(60'000)};
}

}  // namespace

ScanPage LookThrough(const sources::Source& source, const storage::ListPage& page) {
  ScanPage looked;
  looked.next_token = page.next_token;
  for (const auto& bad : page.unusable) looked.failed.emplace_back(bad.key, bad.reason);
  for (const auto& object : page.objects) {
    // A bucket's way to show an empty folder.
    if (object.key.empty() || (object.key.ends_with('/') && object.size == 0)) {
      ++looked.skipped["a folder"];
    } else if (!IsMediaName(object.key)) {
      ++looked.skipped["not a media file by its name"];
    } else if (const Status valid = storage::ValidateKey(object.key); !valid.ok()) {
      looked.failed.emplace_back(RepairUtf8(object.key, storage::kMaxKeyBytes), "the key cannot be used: " + Message(valid));
    } else if (object.size == 0) {
      looked.failed.emplace_back(RepairUtf8(object.key, storage::kMaxKeyBytes), "the file is empty");
    } else {
      looked.candidates.push_back(ImportOf(source, object));
    }
  }
  return looked;
}

Scanner::Scanner(ScanRepo& scans, const sources::Sources& sources)
    : scans_(scans), sources_(sources), thread_("scanner", [this] { return Step(); }) {}

std::chrono::milliseconds Scanner::Step() {
  BeginWatched();
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_purge_ && scans_.Purge(kKeptScans).ok()) next_purge_ = now + kScanPurgePause;
  auto work = scans_.Claim(kScanLease);
  if (!work.ok() || !work->has_value()) return kScanPause;
  Scan(**std::move(work));
  return std::chrono::milliseconds(0);
}

void Scanner::BeginWatched() {
  for (const sources::Source* source : sources_.all()) {
    // A database that is away is asked again in a moment.
    if (source->spec.watch.count() > 0) (void)scans_.BeginIfDue(source->spec.tenant, source->spec.name, source->spec.watch);
  }
}

void Scanner::Scan(ScanWork work) {
  const auto source = sources_.Find(work.source);
  // Another replica may know it: VORA_SOURCES is being changed.
  if (!source.ok()) return GiveBack(work, Unavailable("there is no longer a source with this name"));
  for (int page_number = 0; page_number < kPagesAtOnce && !thread_.stopping(); ++page_number) {
    const auto must_wait = scans_.MustWait(kMostBacklog);
    if (must_wait.ok() && *must_wait) {
      (void)scans_.Yield(work, kScanPause);
      return;
    }
    const auto listed = (*source)->store->List("", work.token, kScanPage);
    if (!listed.ok()) return GiveBack(work, listed.status());
    const ScanPage page = LookThrough(**source, *listed);
    const auto moved = scans_.Advance(work, page, kScanLease);
    if (!moved.ok()) return GiveBack(work, moved.status());
    if (!*moved || page.next_token.empty()) return;
    work.token = page.next_token;
    work.tries = 0;
  }
  // At once somebody else's, or the turn of this one again after the others.
  (void)scans_.Yield(work, std::chrono::milliseconds(0));
}

void Scanner::GiveBack(const ScanWork& work, const Status& why) {
  if (!IsTransient(why) || work.tries >= kMostTries) {
    log::Warn("a scan failed", {{"scan_id", work.scan_id}, {"source", work.source}, {"error", ToText(why)}});
    (void)scans_.Fail(work, Message(why));
    return;
  }
  // When this fails too, the lease runs out.
  (void)scans_.Postpone(work, BackoffDelay(ScanBackoff(), std::min(work.tries + 1, 10), why), Message(why));
}

}  // namespace vora::metadata
