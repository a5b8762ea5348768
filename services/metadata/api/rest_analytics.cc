
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "libs/protojson/proto_json.h"
#include "services/metadata/analytics/analytics_queries.h"
#include "services/metadata/analytics/analytics_range.h"
#include "services/metadata/analytics/live_viewers.h"
#include "services/metadata/analytics/viewer_erasure.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/videos/video_fields.h"

namespace vora::metadata {
namespace {

namespace asio = boost::asio;
namespace an = analytics::v1;
using Timer = asio::steady_timer;
constexpr std::chrono::seconds kLookForViewer{1};

template <typename T>
http::Response JsonAnswer(const StatusOr<T>& message) {
  return message.ok() ? http::Response::Json(200, ToJsonText(*message)) : http::ErrorResponse(message.status());
}

StatusOr<an::VideoAnalytics> Video(AnalyticsQueries& queries, const http::Request& request) {
  VORA_RETURN_IF_ERROR(CheckQueryKeys(request, {"from", "to"}));
  an::GetVideoAnalyticsRequest asked;
  asked.set_video_id(request.params.at("id"));
  VORA_ASSIGN_OR_RETURN(*asked.mutable_range(), ParseRange(request.Query("from"), request.Query("to")));
  return queries.Video(request.caller.tenant, asked);
}

StatusOr<an::CatalogAnalytics> Catalog(AnalyticsQueries& queries, const http::Request& request) {
  VORA_RETURN_IF_ERROR(CheckQueryKeys(request, {"from", "to", "top"}));
  an::GetCatalogAnalyticsRequest asked;
  VORA_ASSIGN_OR_RETURN(*asked.mutable_range(), ParseRange(request.Query("from"), request.Query("to")));
  VORA_ASSIGN_OR_RETURN(const int64_t top, QueryNumber(request, "top", 0, 1, kMaxTopVideos));
  asked.set_top(static_cast<int>(top));
  return queries.Catalog(request.caller.tenant, asked);
}

StatusOr<an::ListSessionsResponse> Sessions(AnalyticsQueries& queries, const http::Request& request) {
  VORA_RETURN_IF_ERROR(CheckQueryKeys(request, {"from", "to", "page_size", "page_token"}));
  an::ListSessionsRequest asked;
  asked.set_video_id(request.params.at("id"));
  VORA_ASSIGN_OR_RETURN(*asked.mutable_range(), ParseRange(request.Query("from"), request.Query("to")));
  VORA_ASSIGN_OR_RETURN(const int64_t page_size, QueryNumber(request, "page_size", 0, 1, kMaxPageSize));
  asked.set_page_size(static_cast<int>(page_size));
  asked.set_page_token(request.Query("page_token").value_or(""));
  return queries.Sessions(request.caller.tenant, asked);
}

StatusOr<an::SessionDetail> Session(AnalyticsQueries& queries, const http::Request& request) {
  VORA_RETURN_IF_ERROR(CheckQueryKeys(request, {"video_id"}));
  an::GetSessionRequest asked;
  asked.set_session_id(request.params.at("session_id"));
  asked.set_video_id(request.Query("video_id").value_or(""));
  return queries.Session(request.caller.tenant, asked);
}

class Listening {
 public:
  Listening(LiveViewers& live, std::shared_ptr<LiveViewers::Listener> listener) : live_(live), listener_(std::move(listener)) {
    live_.Listen(listener_);
  }
  ~Listening() { live_.Leave(listener_); }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

 private:
  LiveViewers& live_;
  const std::shared_ptr<LiveViewers::Listener> listener_;
};

// Writes what changes until the client goes, the server drains or the stream's time is over.
http::Task<void> StreamViewers(http::Exchange& exchange, LiveViewers& live, LiveViewers::Listener& listener, Timer& timer,
                               std::chrono::milliseconds heartbeat) {
  auto last_write = std::chrono::steady_clock::now();
  const auto end = last_write + kStreamLifetime;
  while (!exchange.draining() && !live.closed()) {
    std::string message = live.Take(listener);
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) co_return;
    if (message.empty() && now - last_write >= heartbeat) message = ": heartbeat\n\n";
    if (!message.empty()) {
      const Status written = co_await exchange.Write(message);
      if (!written.ok()) co_return;
      last_write = now;
      continue;
    }
    // Nothing between Take and this wait leaves the connection's strand, so a wake-up posted to it is not lost.
    boost::system::error_code woken;
    timer.expires_after(std::min<std::chrono::steady_clock::duration>(kLookForViewer, heartbeat));
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    // It ran out and was not cancelled: nothing is being written, and only this sleep notices a viewer who has gone.
    if (!woken) {
      const Status there = co_await exchange.Sleep(std::chrono::milliseconds(0));
      if (!there.ok()) co_return;
    }
  }
}

http::Task<void> ServeLive(http::Exchange& exchange, LiveViewers& live, bool configured, std::chrono::milliseconds heartbeat) {
  Status asked = CheckQueryKeys(exchange.request(), {});
  if (asked.ok() && !configured) asked = Unavailable("analytics are not configured: the operator sets VORA_CLICKHOUSE_URL");
  if (!asked.ok()) {
    http::Response error = http::ErrorResponse(asked);
    co_await exchange.Send(std::move(error));
    co_return;
  }
  const auto executor = co_await asio::this_coro::executor;
  const auto timer = std::make_shared<Timer>(executor);
  // The poller may wake the listener when this coroutine is gone already: the timer is held weakly, and touched on its own executor only.
  const auto listener =
      std::make_shared<LiveViewers::Listener>(exchange.request().caller.tenant, [executor, weak = std::weak_ptr<Timer>(timer)] {
        asio::post(executor, [weak] {
          if (const auto alive = weak.lock()) alive->cancel();
        });
      });
  http::Response head = EventStreamHead();
  const Status begun = co_await exchange.Begin(std::move(head), std::nullopt);
  if (!begun.ok()) co_return;
  const Status hello = co_await exchange.Write("retry: 2000\n\n");
  if (!hello.ok()) co_return;
  if (exchange.request().method != "HEAD") {
    const Listening listening(live, listener);
    co_await StreamViewers(exchange, live, *listener, *timer, heartbeat);
  }
  co_await exchange.Finish();
}

}  // namespace

void AddAnalyticsRoutes(ApiRoutes& routes, AnalyticsQueries& queries, LiveViewers& live, ViewerErasure& erasure, bool configured,
                        std::chrono::milliseconds heartbeat) {
  routes.Simple("GET", "/v1/videos/{id}/analytics",
                [&queries](const http::Request& request, const std::string&) { return JsonAnswer(Video(queries, request)); });
  routes.Simple("GET", "/v1/videos/{id}/sessions",
                [&queries](const http::Request& request, const std::string&) { return JsonAnswer(Sessions(queries, request)); });
  routes.Simple("GET", "/v1/analytics",
                [&queries](const http::Request& request, const std::string&) { return JsonAnswer(Catalog(queries, request)); });
  routes.Simple("GET", "/v1/sessions/{session_id}",
                [&queries](const http::Request& request, const std::string&) { return JsonAnswer(Session(queries, request)); });
  routes.Simple("DELETE", "/v1/viewers/{viewer_id}", [&erasure](const http::Request& request, const std::string&) {
    return JsonAnswer(erasure.Erase(request.caller.tenant, request.params.at("viewer_id")));
  });
  routes.Streaming("GET", "/v1/analytics/events",
                   [&live, configured, heartbeat](http::Exchange& exchange) { return ServeLive(exchange, live, configured, heartbeat); });
}

}  // namespace vora::metadata
