#include "libs/storage/copy/copy_store.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "libs/layout/layout.h"

namespace vora::storage {
namespace {

constexpr int kFailuresInARow = 20;

StatusOr<std::set<std::string>> UnfinishedUploads(ObjectStore& from) {
  std::set<std::string> ids;
  std::string token;
  do {
    VORA_ASSIGN_OR_RETURN(const ListPage page, from.List(layout::kOpenPrefix, token));
    for (const ObjectInfo& object : page.objects) ids.emplace(layout::FileOf(object.key));
    token = page.next_token;
  } while (!token.empty());
  return ids;
}

// Lists what is to be copied, a page at a time, for many threads.
class Listing {
 public:
  Listing(ObjectStore& from, const CopyOptions& options, std::set<std::string> unfinished, CopyCounts& counts)
      : from_(from),
        options_(options),
        prefix_(options.only == CopyOptions::Only::kProcessed ? layout::kProcessedPrefix : ""),
        unfinished_(std::move(unfinished)),
        counts_(counts) {}

  // nullopt: no more.
  StatusOr<std::optional<ObjectInfo>> Next() {
    const std::lock_guard lock(mutex_);
    while (true) {
      while (at_ < page_.objects.size()) {
        ObjectInfo& object = page_.objects[at_++];
        if (IsWanted(object.key)) return std::optional<ObjectInfo>(std::move(object));
      }
      if (begun_ && page_.next_token.empty()) return std::optional<ObjectInfo>();
      VORA_ASSIGN_OR_RETURN(page_, from_.List(prefix_, page_.next_token));
      begun_ = true;
      at_ = 0;
    }
  }

 private:
  bool IsWanted(const std::string& key) {
    if (key.starts_with(layout::kProbePrefix)) return false;
    const bool processed = key.starts_with(layout::kProcessedPrefix);
    if (options_.only != CopyOptions::Only::kAll && processed != (options_.only == CopyOptions::Only::kProcessed)) return false;
    for (const char* folder : {layout::kRawPrefix, layout::kOpenPrefix}) {
      if (!key.starts_with(folder)) continue;
      const std::string rest = key.substr(std::string_view(folder).size());
      if (!unfinished_.contains(rest.substr(0, rest.find('/')))) continue;
      ++counts_.left_out;
      return false;
    }
    return true;
  }

  ObjectStore& from_;
  const CopyOptions& options_;
  const std::string prefix_;
  const std::set<std::string> unfinished_;
  CopyCounts& counts_;
  std::mutex mutex_;
  ListPage page_;
  size_t at_ = 0;
  bool begun_ = false;
};

class Copy {
 public:
  Copy(ObjectStore& from, ObjectStore& to, const CopyOptions& options, CopyCounts& counts, const Stopped& stopped,
       const std::function<void(const std::string&, const Status&)>& on_failure)
      : from_(from), to_(to), options_(options), counts_(counts), stopped_(stopped), on_failure_(on_failure) {}

  Status Run(const std::set<std::string>& unfinished) {
    Listing listing(from_, options_, unfinished, counts_);
    std::vector<std::thread> threads;
    for (int i = 0; i < std::max(1, options_.threads); ++i) threads.emplace_back([&] { Work(listing); });
    for (auto& thread : threads) thread.join();
    if (stopped_()) return Cancelled("interrupted");
    return ended_;
  }

 private:
  void Work(Listing& listing) {
    while (!Ended()) {
      const auto next = listing.Next();
      if (!next.ok()) return End(next.status());
      if (!*next) return;
      Judge((*next)->key, CopyOne(**next));
    }
  }

  Status CopyOne(const ObjectInfo& object) {
    VORA_ASSIGN_OR_RETURN(const bool there, IsThere(object));
    if (there) {
      ++counts_.skipped;
      counts_.bytes_skipped += object.size;
      return absl::OkStatus();
    }
    if (options_.dry_run) {
      counts_.bytes_copied += object.size;
    } else {
      // What a failed try has copied counts no more.
      int64_t sent = 0;
      const auto on_bytes = [&](int64_t bytes) {
        sent += bytes;
        counts_.bytes_copied += bytes;
      };
      const Status copied = CopyObject(from_, to_, object.key, on_bytes, [this] { return Ended(); });
      if (!copied.ok()) {
        counts_.bytes_copied -= sent;
        return copied;
      }
    }
    ++counts_.copied;
    return absl::OkStatus();
  }

  StatusOr<bool> IsThere(const ObjectInfo& object) {
    const auto found = to_.Head(object.key);
    if (found.status().code() == StatusCode::kNotFound) return false;
    VORA_RETURN_IF_ERROR(found.status());
    if (found->size != object.size) return false;
    // S3 lists no content type; times there are whole seconds.
    VORA_ASSIGN_OR_RETURN(const ObjectInfo source, from_.Head(object.key));
    if (found->content_type != source.content_type) return false;
    if (!options_.verify) return found->modified_unix_ms + 999 >= source.modified_unix_ms;
    const Stopped stopped = [this] { return Ended(); };
    VORA_ASSIGN_OR_RETURN(const std::string here, HashObject(from_, object.key, stopped));
    VORA_ASSIGN_OR_RETURN(const std::string copy, HashObject(to_, object.key, stopped));
    return here == copy;
  }

  void Judge(const std::string& key, const Status& status) {
    const std::lock_guard lock(mutex_);
    if (status.ok()) {
      in_a_row_ = 0;
      return;
    }
    // Stopped, or taken away meanwhile: neither is a fault.
    if (status.code() == StatusCode::kCancelled || status.code() == StatusCode::kNotFound) return;
    ++counts_.failed;
    on_failure_(key, status);
    if (++in_a_row_ >= kFailuresInARow && ended_.ok()) {
      ended_ = Annotate(status, std::to_string(kFailuresInARow) + " objects in a row failed, the last one");
      over_ = true;
    }
  }

  void End(const Status& status) {
    const std::lock_guard lock(mutex_);
    if (ended_.ok()) ended_ = status;
    over_ = true;
  }
  bool Ended() const { return over_ || stopped_(); }

  ObjectStore& from_;
  ObjectStore& to_;
  const CopyOptions& options_;
  CopyCounts& counts_;
  const Stopped& stopped_;
  const std::function<void(const std::string&, const Status&)>& on_failure_;
  std::atomic<bool> over_{false};
  std::mutex mutex_;
  int in_a_row_ = 0;
  Status ended_;
};

// So that progress has an end.
Status Count(ObjectStore& from, const CopyOptions& options, const std::set<std::string>& unfinished, CopyCounts& counts,
             const Stopped& stopped) {
  CopyCounts ignored;
  Listing listing(from, options, unfinished, ignored);
  while (!stopped()) {
    VORA_ASSIGN_OR_RETURN(const auto next, listing.Next());
    if (!next) return absl::OkStatus();
    ++counts.objects;
    counts.bytes += next->size;
  }
  return Cancelled("interrupted");
}

}  // namespace

Status CopyStore(ObjectStore& from, ObjectStore& to, const CopyOptions& options, CopyCounts& counts, const Stopped& stopped,
                 const std::function<void(const std::string& key, const Status& status)>& on_failure) {
  std::set<std::string> unfinished;
  if (options.only != CopyOptions::Only::kProcessed) {
    VORA_ASSIGN_OR_RETURN(unfinished, UnfinishedUploads(from));
    if (!unfinished.empty() && !options.without_unfinished) {
      return FailedPrecondition(std::to_string(unfinished.size()) + " uploads are not finished, " + *unfinished.begin() +
                                " among them: wait until they are, or leave them out and have their clients begin anew");
    }
  }
  VORA_RETURN_IF_ERROR(Count(from, options, unfinished, counts, stopped));
  return Copy(from, to, options, counts, stopped, on_failure).Run(unfinished);
}

}  // namespace vora::storage
