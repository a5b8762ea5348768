#include "services/metadata/analytics/stall_cause.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>

namespace vora::metadata {
namespace {

namespace an = analytics::v1;

// A fetch that ends this long before the stall, or begins this long after it, has nothing to do with it. Clocks are only nearly the same.
constexpr int64_t kSlackMs = 1500;
// Nothing quicker is called slow, however short the stall.
constexpr int64_t kQuickMs = 250;

struct Stretch {
  int64_t begin = 0, end = 0;
};

struct Timed {
  const ViewEvent* event;
  Stretch when;  // by the server's clock
};

struct Verdict {
  an::StallCause cause = an::STALL_CAUSE_UNSPECIFIED;
  std::string reason;
};

std::string SecondsText(int64_t ms) {
  char text[32];
  std::snprintf(text, sizeof(text), ms < 100 ? "%.2f s" : "%.1f s", static_cast<double>(ms) / 1000);
  return text;
}

std::string NameOf(const ViewEvent& event) {
  if (!event.object.empty()) return event.object;
  const std::string rendition = event.rendition.empty() ? "" : event.rendition + " ";
  return event.segment_index >= 0 ? rendition + "segment " + std::to_string(event.segment_index) : rendition + "segment";
}

// Players post their events in batches: `server_ms` is when the batch came. The batch that was quickest tells how far the clocks differ.
int64_t ClockOffset(const std::vector<ViewEvent>& events) {
  // No batch arrives before it was sent, so the smallest difference is the clocks' plus the shortest way.
  int64_t offset = std::numeric_limits<int64_t>::max();
  for (const ViewEvent& event : events) {
    if (event.type != "delivery" && event.player_ms > 0) offset = std::min(offset, event.server_ms - event.player_ms);
  }
  return offset;
}

// Fetches and stalls are told of when they are over, deliveries when they begin.
Stretch When(const ViewEvent& event, int64_t offset) {
  if (event.type == "delivery") return {event.server_ms, event.server_ms + event.duration_ms};
  const int64_t end = event.player_ms > 0 ? event.player_ms + offset : event.server_ms;
  return {end - event.duration_ms, end};
}

bool Touches(const Stretch& a, const Stretch& b) { return a.begin <= b.end + kSlackMs && b.begin <= a.end + kSlackMs; }

int64_t Overlap(const Stretch& a, const Stretch& b) { return std::max<int64_t>(0, std::min(a.end, b.end) - std::max(a.begin, b.begin)); }

bool SameSegment(const ViewEvent& a, const ViewEvent& b) {
  return a.segment_index >= 0 && a.segment_index == b.segment_index &&
         (a.rendition.empty() || b.rendition.empty() || a.rendition == b.rendition);
}

// Only the server's own failures; a 404 or 416 answers what the player asked.
bool Failed(const ViewEvent& delivery) { return delivery.status >= 500; }

// Whether `ms` is most of a wait of `of`.
bool IsMostOf(int64_t ms, int64_t of) { return ms >= kQuickMs && 2 * ms >= of; }

// What a delivery says of a wait of `wait`; nullopt: that it is not to blame.
std::optional<Verdict> Blame(const ViewEvent& delivery, int64_t wait) {
  const std::string took = NameOf(delivery) + " took " + SecondsText(delivery.duration_ms);
  if (Failed(delivery)) {
    const std::string answer =
        NameOf(delivery) + " was answered " + std::to_string(delivery.status) + " after " + SecondsText(delivery.duration_ms);
    // Refused at the door, or the store was asked and failed.
    if (delivery.status == 503 && delivery.origin_ms < kQuickMs) return Verdict{an::STALL_CAUSE_CACHE, answer + ": the gateway refused it"};
    return Verdict{an::STALL_CAUSE_ORIGIN, answer + ": the object store failed"};
  }
  if (!IsMostOf(delivery.duration_ms, wait)) return std::nullopt;
  if (delivery.cache == "coalesced") {
    return Verdict{an::STALL_CAUSE_CACHE, took + ", waiting for a fetch that another request had begun"};
  }
  // The greater part either of the delivery or of the wait.
  if (IsMostOf(delivery.origin_ms, wait) || 2 * delivery.origin_ms >= delivery.duration_ms) {
    return Verdict{an::STALL_CAUSE_ORIGIN, took + ", of which the object store " + SecondsText(delivery.origin_ms)};
  }
  if (delivery.cache == "hit") {
    return Verdict{an::STALL_CAUSE_NETWORK, took + " to hand over, although the gateway had it in memory"};
  }
  return Verdict{an::STALL_CAUSE_CACHE, took + " at the gateway, of which the object store only " + SecondsText(delivery.origin_ms)};
}

class View {
 public:
  explicit View(const std::vector<ViewEvent>& events) {
    const int64_t offset = ClockOffset(events);
    for (const ViewEvent& event : events) {
      const Timed timed{&event, When(event, offset)};
      if (event.type == "stall") stalls_.push_back(timed);
      if (event.type == "segment_fetched") fetches_.push_back(timed);
      // Playlists and pictures stop nothing.
      if (event.type == "delivery" && (event.segment_index >= 0 || event.status >= 500)) deliveries_.push_back(timed);
    }
    const auto earlier = [](const Timed& a, const Timed& b) { return a.when.end < b.when.end; };
    std::stable_sort(stalls_.begin(), stalls_.end(), earlier);
  }

  std::vector<an::Stall> Explain() const {
    std::vector<an::Stall> explained;
    for (const Timed& stall : stalls_) {
      an::Stall& out = explained.emplace_back();
      out.mutable_time()->set_seconds(stall.when.begin / 1000);
      out.mutable_time()->set_nanos(static_cast<int32_t>(stall.when.begin % 1000) * 1'000'000);
      out.set_position_seconds(static_cast<double>(stall.event->position_ms) / 1000);
      out.set_duration_seconds(static_cast<double>(stall.event->duration_ms) / 1000);
      Verdict verdict = Judge(stall);
      out.set_cause(verdict.cause);
      out.set_reason(std::move(verdict.reason));
    }
    return explained;
  }

 private:
  // Those around the stall; of the stall's own segment when it names one that is known.
  static std::vector<Timed> Around(const Timed& stall, const std::vector<Timed>& all) {
    std::vector<Timed> near, own;
    for (const Timed& one : all) {
      if (!Touches(one.when, stall.when)) continue;
      near.push_back(one);
      if (SameSegment(*one.event, *stall.event)) own.push_back(one);
    }
    return own.empty() ? near : own;
  }

  // The fetch that was under way for most of the stall; nullptr: none around.
  static const Timed* Slowest(const Timed& stall, const std::vector<Timed>& fetches) {
    const Timed* slowest = nullptr;
    const auto weight = [&stall](const Timed& fetch) { return std::pair(Overlap(fetch.when, stall.when), fetch.event->duration_ms); };
    for (const Timed& fetch : fetches) {
      if (slowest == nullptr || weight(fetch) > weight(*slowest)) slowest = &fetch;
    }
    return slowest;
  }

  static std::optional<Verdict> Worst(const std::vector<Timed>& deliveries, int64_t wait) {
    std::optional<Verdict> worst;
    int64_t longest = -1;
    for (const Timed& delivery : deliveries) {
      auto blame = Blame(*delivery.event, wait);
      const int64_t took = delivery.event->duration_ms;
      if (blame && took > longest) {
        worst = std::move(blame);
        longest = took;
      }
    }
    return worst;
  }

  // From what is nearest to the player to what is farthest: its fetch, the deliveries for that fetch, other deliveries, and the player
  // itself when all of them were quick.
  Verdict Judge(const Timed& stall) const {
    const int64_t stood = stall.event->duration_ms;
    const std::vector<Timed> fetches = Around(stall, fetches_);
    std::vector<Timed> deliveries = Around(stall, deliveries_);
    const Timed* fetch = Slowest(stall, fetches);
    const bool slow_fetch =
        fetch != nullptr && IsMostOf(std::max(Overlap(fetch->when, stall.when), std::min(fetch->event->duration_ms, stood)), stood);
    // A fetch may take longer than the stall, since the buffer carried on at first: we must explain the fetch then.
    const int64_t wait = slow_fetch ? std::max(stood, fetch->event->duration_ms) : stood;
    if (slow_fetch) {
      std::vector<Timed> own;
      for (const Timed& delivery : deliveries_) {
        if (Touches(delivery.when, fetch->when) && SameSegment(*delivery.event, *fetch->event)) own.push_back(delivery);
      }
      if (auto blame = Worst(own, wait)) return *blame;
      // The gateway had been asked for this very segment and was quick, so the time went on the way.
      if (!own.empty()) {
        return {an::STALL_CAUSE_NETWORK, NameOf(*own.front().event) + " took " + SecondsText(fetch->event->duration_ms) +
                                             " to arrive, but the gateway had handed it over within " +
                                             SecondsText(own.front().event->duration_ms)};
      }
    }
    // The player waited for this fetch: what else was slow then held nobody up.
    const bool known = slow_fetch && fetch->event->segment_index >= 0;
    if (known) std::erase_if(deliveries, [](const Timed& delivery) { return delivery.event->segment_index >= 0; });
    if (auto blame = Worst(deliveries, wait)) return *blame;
    if (slow_fetch) {
      return {an::STALL_CAUSE_NETWORK, NameOf(*fetch->event) + " took " + SecondsText(fetch->event->duration_ms) +
                                           " to arrive, although the edge had it in its cache"};
    }
    if (fetch != nullptr) {
      return {an::STALL_CAUSE_PLAYER, "everything had arrived: " + NameOf(*fetch->event) + ", the slowest fetch around it, took " +
                                          SecondsText(fetch->event->duration_ms) + " of the " + SecondsText(stood)};
    }
    // With a second in the buffer it was not data that was missing.
    if (stall.event->buffer_ms >= 1000) {
      return {an::STALL_CAUSE_PLAYER,
              "nothing was being fetched, and " + SecondsText(stall.event->buffer_ms) + " were in the player's buffer"};
    }
    if (!deliveries.empty()) {
      return {an::STALL_CAUSE_NETWORK, NameOf(*deliveries.front().event) + " left the gateway within " +
                                           SecondsText(deliveries.front().event->duration_ms) + "; the player did not say when it arrived"};
    }
    return {an::STALL_CAUSE_UNSPECIFIED, "no fetch of a segment is known around it"};
  }

  std::vector<Timed> stalls_, fetches_, deliveries_;
};

}  // namespace

std::vector<an::Stall> ExplainStalls(const std::vector<ViewEvent>& events) { return View(events).Explain(); }

}  // namespace vora::metadata
