#include "services/streaming-gateway/objects/object_delivery.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>
#include <vector>

#include "services/streaming-gateway/metrics.h"
#include "services/streaming-gateway/objects/reply.h"

namespace vora::gateway {
namespace {

// Per client that is served past the cache.
constexpr size_t kStreamBytes = 64 << 10;
// For a small object: metadata may know what is in it, or the edge have a stale copy, and a player waits for it before it can begin.
constexpr std::chrono::seconds kPatience{2};

using SteadyTime = std::chrono::steady_clock::time_point;

SteadyTime Now() { return std::chrono::steady_clock::now(); }

StatusOr<storage::ObjectInfo> InfoOf(storage::ObjectStore& store, const std::string& key) {
  StatusOr<storage::ObjectInfo> found = store.Head(key);
  // A local store whose folder is gone knows no object either.
  if (found.status().code() == StatusCode::kNotFound) VORA_RETURN_IF_ERROR(store.Ping());
  return found;
}

}  // namespace

// One request's way to an object.
struct ObjectDelivery::Visit {
  Provenance& provenance;
  SteadyTime asked = Now();
  std::shared_ptr<CachedObject> object = nullptr;

  void Look(SegmentCache& cache, const std::string& key) {
    SegmentCache::Lookup found = cache.Get(key);
    provenance.cache = found.state;
    object = std::move(found.object);
  }
  void StoreAnswered(SteadyTime when) { provenance.origin = std::max(std::chrono::nanoseconds(0), when - asked); }
  // Past the cache the time is noted where the store is read.
  void Leave() {
    if (provenance.cache == CacheState::kHit || provenance.cache == CacheState::kBypass || !object) return;
    StoreAnswered(object->answered_at().value_or(Now()));
  }
};

ObjectDelivery::ObjectDelivery(storage::ObjectStore& store, SegmentCache& cache, obs::Metrics& metrics)
    : store_(store), cache_(cache), bytes_(kBytes.In(metrics)) {}

http::Task<void> ObjectDelivery::Serve(http::Exchange& exchange, ObjectRequest wanted, Provenance& provenance) {
  Visit visit{provenance};
  if (wanted.past_cache) {
    co_await ServePastCache(exchange, wanted, visit);
    co_return;
  }
  // What may be answered without a body is not worth a fetch of the whole object.
  const bool info_may_do = exchange.request().method == "HEAD" || exchange.request().headers.Has("If-None-Match");
  if (info_may_do && !cache_.Peek(wanted.key)) {
    const bool answered = co_await ServeInfo(exchange, wanted);
    if (answered) {
      provenance.cache = CacheState::kMiss;
      visit.StoreAnswered(Now());
      co_return;
    }
  }
  visit.Look(cache_, wanted.key);
  co_await ServeObject(exchange, wanted, visit);
  visit.Leave();
}

http::Task<void> ObjectDelivery::ServeObject(http::Exchange& exchange, const ObjectRequest& wanted, Visit& visit) {
  const std::shared_ptr<CachedObject> object = visit.object;
  Status opened = ResourceExhausted("too many objects are being fetched");
  if (object) opened = co_await object->WaitOpen();
  if (!opened.ok()) {
    http::Response refusal = DeliveryError(opened);
    (void)co_await exchange.Send(std::move(refusal));
    co_return;
  }
  if (object->bypassed()) {
    const storage::ObjectInfo info = object->info();
    co_await ServeFromStore(exchange, wanted, info, visit);
    co_return;
  }
  ObjectReply reply = PlanObjectReply(exchange.request(), object->info(), wanted.content_type, wanted.cache_control);
  if (!reply.has_body) {
    (void)co_await exchange.Send(std::move(reply.head));
    co_return;
  }
  const Status begun = co_await exchange.Begin(std::move(reply.head), reply.length);
  if (!begun.ok()) co_return;
  if (exchange.request().method != "HEAD")
    co_await SendCached(exchange, object, reply.first, reply.length);
  else
    (void)co_await exchange.Finish();
}

http::Task<void> ObjectDelivery::SendCached(http::Exchange& exchange, std::shared_ptr<CachedObject> object, int64_t first, int64_t length) {
  while (length > 0) {
    const StatusOr<std::string_view> bytes = co_await object->WaitBytes(first);
    // Without Finish the connection is cut, so that nobody takes half an object for a whole one.
    if (!bytes.ok()) co_return;
    const std::string_view piece = bytes->substr(0, static_cast<size_t>(length));
    const Status written = co_await exchange.Write(piece);
    if (!written.ok()) co_return;
    bytes_.Increment(static_cast<double>(piece.size()));
    first += static_cast<int64_t>(piece.size());
    length -= static_cast<int64_t>(piece.size());
  }
  (void)co_await exchange.Finish();
}

http::Task<bool> ObjectDelivery::ServeInfo(http::Exchange& exchange, const ObjectRequest& wanted) {
  auto ask = [&] { return InfoOf(store_, wanted.key); };
  const StatusOr<storage::ObjectInfo> info = co_await exchange.Blocking(ask);
  http::Response answer;
  if (!info.ok()) {
    answer = DeliveryError(info.status());
    (void)co_await exchange.Send(std::move(answer));
    co_return true;
  }
  ObjectReply reply = PlanObjectReply(exchange.request(), *info, wanted.content_type, wanted.cache_control);
  // The client has another version, or none: it gets the object.
  if (reply.has_body && exchange.request().method != "HEAD") co_return false;
  if (!reply.has_body) {
    (void)co_await exchange.Send(std::move(reply.head));
    co_return true;
  }
  const Status begun = co_await exchange.Begin(std::move(reply.head), reply.length);
  if (begun.ok()) (void)co_await exchange.Finish();
  co_return true;
}

http::Task<void> ObjectDelivery::ServePastCache(http::Exchange& exchange, const ObjectRequest& wanted, Visit& visit) {
  auto ask = [&] { return InfoOf(store_, wanted.key); };
  const StatusOr<storage::ObjectInfo> info = co_await exchange.Blocking(ask);
  if (!info.ok()) {
    http::Response refusal = DeliveryError(info.status());
    (void)co_await exchange.Send(std::move(refusal));
    co_return;
  }
  co_await ServeFromStore(exchange, wanted, *info, visit);
}

http::Task<void> ObjectDelivery::ServeFromStore(http::Exchange& exchange, const ObjectRequest& wanted, const storage::ObjectInfo& info,
                                                Visit& visit) {
  visit.provenance.cache = CacheState::kBypass;
  ObjectReply reply = PlanObjectReply(exchange.request(), info, wanted.content_type, wanted.cache_control);
  if (!reply.has_body) {
    (void)co_await exchange.Send(std::move(reply.head));
    co_return;
  }
  auto open = [&] { return store_.Open(wanted.key, reply.first, reply.length); };
  const StatusOr<std::unique_ptr<storage::ObjectReader>> reader = co_await exchange.Blocking(open);
  // Noted here for a store that fails, and once more with the first bytes.
  visit.StoreAnswered(Now());
  if (!reader.ok()) {
    http::Response refusal = DeliveryError(reader.status());
    (void)co_await exchange.Send(std::move(refusal));
    co_return;
  }
  const Status begun = co_await exchange.Begin(std::move(reply.head), reply.length);
  if (!begun.ok()) co_return;
  std::vector<char> buffer(kStreamBytes);
  for (int64_t left = exchange.request().method == "HEAD" ? 0 : reply.length; left > 0;) {
    auto read = [&] { return (*reader)->Read(buffer.data(), buffer.size()); };
    const StatusOr<size_t> got = co_await exchange.Blocking(read);
    if (left == reply.length) visit.StoreAnswered(Now());
    if (!got.ok() || *got == 0) co_return;
    const std::string_view piece(buffer.data(), *got);
    const Status written = co_await exchange.Write(piece);
    if (!written.ok()) co_return;
    bytes_.Increment(static_cast<double>(*got));
    left -= static_cast<int64_t>(*got);
  }
  (void)co_await exchange.Finish();
}

http::Task<StatusOr<std::string>> ObjectDelivery::Read(http::Exchange& exchange, std::string key, Provenance& provenance) {
  Visit visit{provenance};
  visit.Look(cache_, key);
  StatusOr<std::string> text = co_await ReadObject(exchange, key, visit);
  visit.Leave();
  co_return text;
}

http::Task<StatusOr<std::string>> ObjectDelivery::ReadObject(http::Exchange& exchange, const std::string& key, Visit& visit) {
  const std::shared_ptr<CachedObject> object = visit.object;
  if (!object) co_return ResourceExhausted("too many objects are being fetched");
  const SteadyTime deadline = Now() + kPatience;
  const Status opened = co_await object->WaitOpen(deadline);
  if (!opened.ok()) co_return opened;
  if (object->bypassed()) {
    auto get = [&] { return store_.Get(key); };
    StatusOr<std::string> text = co_await exchange.Blocking(get);
    visit.provenance.cache = CacheState::kBypass;
    visit.StoreAnswered(Now());
    co_return text;
  }
  std::string text;
  const int64_t size = object->info().size;
  while (static_cast<int64_t>(text.size()) < size) {
    const StatusOr<std::string_view> bytes = co_await object->WaitBytes(static_cast<int64_t>(text.size()), deadline);
    if (!bytes.ok()) co_return bytes.status();
    text += *bytes;
  }
  co_return text;
}

}  // namespace vora::gateway
