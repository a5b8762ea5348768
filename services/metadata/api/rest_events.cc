// Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): one message per change with the whole
// video as data and its version as id; event `deleted` when it goes. A comment each heartbeat keeps proxies from closing the stream.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "libs/protojson/proto_json.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/api/watch_mailbox.h"
#include "services/metadata/videos/video_fields.h"
#include "services/metadata/videos/video_repo.h"
#include "services/metadata/videos/watch_hub.h"

namespace vora::metadata {
namespace {

namespace asio = boost::asio;
using Timer = asio::steady_timer;
constexpr std::chrono::seconds kLookForClient{1};
constexpr int kReplayPage = 100;  // videos in memory at once for a client that catches up
// Changes of several videos at once are not sent in the order of their versions: a few up to the client's last event are sent again.
constexpr int kRepeated = 20;
constexpr int64_t kEverything = INT64_MAX;

// The id is what a client that comes back names as its last: only versions up to `id_limit` have one.
std::string ChangeMessage(const Change& change, int64_t id_limit) {
  if (!change.video) return "event: deleted\ndata: " + nlohmann::json{{"video_id", change.video_id}}.dump() + "\n\n";
  const std::string id = change.video->version() <= id_limit ? "id: " + std::to_string(change.video->version()) + "\n" : "";
  return id + "data: " + ToJsonText(*change.video) + "\n\n";
}

// Version the client has already; -1 when it says none.
int64_t LastEventId(const http::Request& request) {
  const std::string text = request.headers.GetOr("Last-Event-ID", request.Query("last_event_id").value_or(""));
  int64_t id = -1;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && id >= 0 ? id : -1;
}

class Subscription {
 public:
  Subscription(WatchHub& hub, const std::string& tenant, const std::string& video_id, std::shared_ptr<WatchMailbox> mailbox)
      : hub_(hub), mailbox_(std::move(mailbox)) {
    hub_.Watch(tenant, video_id, mailbox_);
  }
  ~Subscription() { hub_.Unwatch(mailbox_); }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

 private:
  WatchHub& hub_;
  const std::shared_ptr<WatchMailbox> mailbox_;
};

// What a client missed: the one video itself, or every change in its tenant since its last event, page by page.
class CatchUp {
 public:
  // `last_event_id`: -1 when the client names none.
  CatchUp(VideoRepo& videos, std::string tenant, std::string video_id, int64_t last_event_id)
      : videos_(videos), tenant_(std::move(tenant)), video_id_(std::move(video_id)), reached_(last_event_id) {}

  bool done() const { return done_; }
  // Of all changes up to this version the newest is in the mailbox, or was.
  int64_t reached() const { return reached_; }

  // Blocks. Puts the next page into `mailbox`. NotFound when the one video is not there.
  Status Next(WatchMailbox& mailbox) {
    if (!video_id_.empty()) return TheVideo(mailbox);
    if (reached_ < 0) {
      done_ = true;
      reached_ = kEverything;
      return absl::OkStatus();
    }
    VORA_ASSIGN_OR_RETURN(const auto changes, videos_.ChangesOfTenant(tenant_, reached_, std::exchange(repeated_, 0), kReplayPage));
    for (const VideoVersion& change : changes) {
      auto video = videos_.Get(tenant_, change.video_id);
      if (!video.ok() && video.status().code() != StatusCode::kNotFound) return video.status();
      mailbox.Put({change.video_id, video.ok() ? std::make_shared<const v1::Video>(*std::move(video)) : nullptr});
      reached_ = change.version;
    }
    done_ = static_cast<int>(changes.size()) < kReplayPage;
    return absl::OkStatus();
  }

 private:
  Status TheVideo(WatchMailbox& mailbox) {
    VORA_ASSIGN_OR_RETURN(v1::Video video, videos_.Get(tenant_, video_id_));
    // Whoever names the present version as its last has the video already.
    if (video.version() != reached_) mailbox.Put({video_id_, std::make_shared<const v1::Video>(std::move(video))});
    done_ = true;
    reached_ = kEverything;
    return absl::OkStatus();
  }

  VideoRepo& videos_;
  const std::string tenant_;
  const std::string video_id_;
  int64_t reached_;
  int repeated_ = kRepeated;
  bool done_ = false;
};

// Writes changes until the client goes, the server drains, the one video is deleted or `lifetime` is over.
http::Task<void> StreamChanges(http::Exchange& exchange, CatchUp& catch_up, WatchMailbox& mailbox, Timer& timer, bool one_video,
                               std::chrono::milliseconds heartbeat, std::chrono::milliseconds lifetime) {
  auto last_write = std::chrono::steady_clock::now();
  const auto end = last_write + lifetime;
  int64_t sent_version = -1;
  // A change of now can be sent before what is still to be caught up; were its id the client's last, the rest would be skipped.
  int64_t id_limit = catch_up.reached();
  while (!exchange.draining()) {
    while (const auto change = mailbox.Take()) {
      const int64_t version = change->video ? change->video->version() : INT64_MAX;
      if (one_video && version <= sent_version) continue;
      sent_version = version;
      const std::string message = ChangeMessage(*change, id_limit);
      const Status written = co_await exchange.Write(message);
      if (!written.ok()) co_return;
      last_write = std::chrono::steady_clock::now();
      if (one_video && !change->video) co_return;
    }
    if (mailbox.closed()) co_return;
    if (!catch_up.done()) {
      // A client whose stream ends here asks again, from the last change that it was sent.
      auto next = [&] { return catch_up.Next(mailbox); };
      const Status more = co_await exchange.Blocking(next);
      if (!more.ok()) co_return;
      id_limit = catch_up.reached();
      continue;
    }
    id_limit = kEverything;
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) co_return;
    if (now - last_write >= heartbeat) {
      const Status written = co_await exchange.Write(": heartbeat\n\n");
      if (!written.ok()) co_return;
      last_write = now;
    }
    // Nothing between the last Take and this wait leaves the connection's strand, so a wake-up posted to it is not lost.
    boost::system::error_code woken;
    timer.expires_after(std::min<std::chrono::steady_clock::duration>(kLookForClient, heartbeat));
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    // It ran out and was not cancelled: nothing is being written, and only this sleep notices a client that has gone.
    if (!woken) {
      const Status there = co_await exchange.Sleep(std::chrono::milliseconds(0));
      if (!there.ok()) co_return;
    }
  }
}

http::Task<void> Serve(http::Exchange& exchange, VideoRepo& videos, WatchHub& hub, std::string video_id,
                       std::chrono::milliseconds heartbeat, std::chrono::milliseconds lifetime) {
  const auto executor = co_await asio::this_coro::executor;
  const auto timer = std::make_shared<Timer>(executor);
  const auto mailbox = std::make_shared<WatchMailbox>([executor, weak = std::weak_ptr<Timer>(timer)] {
    asio::post(executor, [weak] {
      if (const auto alive = weak.lock()) alive->cancel();
    });
  });
  const std::string tenant = exchange.request().caller.tenant;
  // Subscribed first and caught up then, so that no change falls between; what comes twice the mailbox makes one.
  const Subscription subscription(hub, tenant, video_id, mailbox);
  CatchUp catch_up(videos, tenant, video_id, LastEventId(exchange.request()));
  auto next = [&] { return catch_up.Next(*mailbox); };
  const Status caught_up = co_await exchange.Blocking(next);
  if (!caught_up.ok()) {
    http::Response error = http::ErrorResponse(caught_up);
    co_await exchange.Send(std::move(error));
    co_return;
  }
  http::Response head = EventStreamHead();
  const Status begun = co_await exchange.Begin(std::move(head), std::nullopt);
  if (!begun.ok()) co_return;
  const Status hello = co_await exchange.Write("retry: 2000\n\n");
  if (!hello.ok()) co_return;
  if (exchange.request().method != "HEAD") {
    co_await StreamChanges(exchange, catch_up, *mailbox, *timer, !video_id.empty(), heartbeat, lifetime);
  }
  co_await exchange.Finish();
}

}  // namespace

void AddEventRoutes(ApiRoutes& routes, VideoRepo& videos, WatchHub& hub, std::chrono::milliseconds heartbeat,
                    std::chrono::milliseconds lifetime) {
  routes.Streaming("GET", "/v1/videos/{id}/events", [&videos, &hub, heartbeat, lifetime](http::Exchange& exchange) {
    return Serve(exchange, videos, hub, exchange.request().params.at("id"), heartbeat, lifetime);
  });
  routes.Streaming("GET", "/v1/events", [&videos, &hub, heartbeat, lifetime](http::Exchange& exchange) {
    return Serve(exchange, videos, hub, "", heartbeat, lifetime);
  });
}

}  // namespace vora::metadata
