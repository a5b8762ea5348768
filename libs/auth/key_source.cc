#include "libs/auth/key_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <tuple>
#include <utility>

#include "libs/auth/metrics.h"
#include "libs/curl/url.h"
#include "libs/http/client/client.h"
#include "libs/log/log.h"
#include "libs/run/periodic.h"

namespace vora::auth {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr milliseconds kFetchTimeout{5000};

bool IsUrl(const std::string& location) { return location.find("://") != std::string::npos; }

// What tells one state of a file from another; also of the target when it is reached by a link that is replaced.
using FileMark = std::tuple<ino_t, off_t, time_t, long>;

FileMark MarkOf(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return {};
  return {found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxKeySetBytes + 1, '\0');
  if (!in || !in.read(text.data(), static_cast<std::streamsize>(text.size()))) {
    if (!in.eof()) return InvalidArgument("cannot read the file");
  }
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

StatusOr<std::string> Fetch(http::Client& client, const std::string& url, const std::function<bool()>& stopped) {
  http::ClientRequest request;
  request.url = url;
  request.timeout = kFetchTimeout;
  request.headers.Set("Accept", "application/jwk-set+json, application/json");
  request.cancelled = stopped;
  std::string body;
  request.on_data = [&body](std::string_view bytes) {
    body.append(bytes);
    // The answer may have no length, or a false one.
    return body.size() <= kMaxKeySetBytes;
  };
  const auto response = client.Do(request);
  if (body.size() > kMaxKeySetBytes) return Unavailable("the answer is too long");
  if (!response.ok()) return response.status();
  if (response->status != 200) return Unavailable("the answer has status " + std::to_string(response->status));
  return body;
}

}  // namespace

Status CheckKeyLocation(const std::string& location) {
  if (!IsUrl(location)) return absl::OkStatus();
  if (const auto url = curl::ParseHttpUrl(location); url && (url->https || url->local)) return absl::OkStatus();
  return InvalidArgument(
      "must be a file or an https URL (http only on this machine): whoever changes the keys on their way lets himself in");
}

struct KeySource::Impl {
  Impl(KeySourceOptions given, obs::Metrics& metrics)
      : options(std::move(given)),
        is_url(IsUrl(options.location)),
        fetched(kKeyReads.In(metrics, {"ok"})),
        failed(kKeyReads.In(metrics, {"failed"})) {}

  // Takes over the keys if they can be had and differ.
  Status Read() {
    // Taken before the reading: a change in the midst of it shows at the next look.
    const FileMark seen = is_url ? FileMark() : MarkOf(options.location);
    auto text = is_url ? Fetch(client, options.location, [this] { return loop.stopping(); }) : ReadFile(options.location);
    auto set = text.ok() ? ParseKeySet(*text) : StatusOr<KeySet>(text.status());
    if (!set.ok()) {
      failed.Increment();
      return Annotate(set.status(), "VORA_JWT_JWKS " + options.location);
    }
    fetched.Increment();
    mark = seen;
    if (*text == current_text) return absl::OkStatus();
    current_text = *std::move(text);
    for (const std::string& why : set->skipped) log::Warn("a key of the JWK set is not used", {{"why", why}});
    const std::lock_guard lock(mutex);
    const uint64_t generation = snapshot ? snapshot->generation + 1 : 1;
    log::Info("token keys read", {{"keys", static_cast<int64_t>(set->keys.size())}, {"from", options.location}});
    snapshot = std::make_shared<const Snapshot>(Snapshot{std::move(set->keys), generation});
    return absl::OkStatus();
  }

  // Until the keys are looked at again, unless somebody suspects that they have changed.
  milliseconds Pause() {
    earliest = steady_clock::now() + options.retry_interval;
    if (!is_url) return options.file_interval;
    return last_failed ? options.retry_interval : options.url_interval;
  }

  milliseconds Look() {
    const auto early = std::chrono::ceil<milliseconds>(earliest - steady_clock::now());
    // Woken by a suspicion too early: the rest of the time is waited, and the suspicion kept.
    if (is_url && early > milliseconds(0)) return early;
    {
      const std::lock_guard lock(mutex);
      suspected = false;
    }
    if (!is_url && MarkOf(options.location) == mark) return Pause();
    const Status read = Read();
    if (!read.ok() && !last_failed) log::Warn("token keys cannot be read again; those known stay in use", {{"reason", ToText(read)}});
    last_failed = !read.ok();
    return Pause();
  }

  const KeySourceOptions options;
  const bool is_url;
  obs::Counter& fetched;
  obs::Counter& failed;
  http::Client client;
  std::string current_text;
  FileMark mark;
  bool last_failed = false;             // this and the next: of `loop` alone
  steady_clock::time_point earliest{};  // however much is suspected
  std::mutex mutex;
  bool suspected = false;
  std::shared_ptr<const Snapshot> snapshot;
  Periodic loop{"token-keys", [this] { return Look(); }};  // last: uses all of the above
};

KeySource::KeySource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeySource::~KeySource() = default;

StatusOr<std::unique_ptr<KeySource>> KeySource::Open(KeySourceOptions options, obs::Metrics& metrics) {
  auto impl = std::make_unique<Impl>(std::move(options), metrics);
  VORA_RETURN_IF_ERROR(impl->Read());
  impl->loop.Start(impl->Pause());
  return std::unique_ptr<KeySource>(new KeySource(std::move(impl)));
}

std::shared_ptr<const KeySource::Snapshot> KeySource::keys() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->snapshot;
}

void KeySource::Suspect() const {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->is_url && !std::exchange(impl_->suspected, true)) impl_->loop.Wake();
}

}  // namespace vora::auth
