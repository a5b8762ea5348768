#include "libs/storage/copy/copy_store.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/ids.h"
#include "libs/layout/layout.h"
#include "libs/storage/copy/copy_listing.h"

namespace vora::storage {
namespace {

constexpr int kFailuresInARow = 20;

// Absent is no fault.
StatusOr<std::optional<ObjectInfo>> Find(ObjectStore& store, const std::string& key) {
  auto found = store.Head(key);
  if (found.ok()) return std::optional<ObjectInfo>(*std::move(found));
  if (found.status().code() == StatusCode::kNotFound) return std::optional<ObjectInfo>();
  return found.status();
}

// What a copy bears: which store it was made of, by its address, and which version of the object there.
std::string MarkOf(const ObjectStore& store) {
  Sha256State hash;
  hash.Update(store.Describe());
  return HexEncode(hash.Finish()).substr(0, 16) + ":";
}

class Copy {
 public:
  Copy(ObjectStore& from, ObjectStore& to, const CopyOptions& options, CopyCounts& counts, const Stopped& stopped,
       const std::function<void(const std::string&, const Status&)>& on_failure)
      : from_(from),
        to_(to),
        from_mark_(MarkOf(from)),
        to_mark_(MarkOf(to)),
        options_(options),
        counts_(counts),
        stopped_(stopped),
        on_failure_(on_failure) {}

  // What cannot be read is no less missing in the copy than what was not found.
  void TellDamaged(const std::vector<Unusable>& damaged) {
    for (const Unusable& one : damaged) Judge(one.key, DataLoss("is damaged in FROM: " + one.reason));
  }

  Status Run(const Holdings& holdings) {
    Listing listing(from_, options_.only);
    std::vector<std::thread> threads;
    for (int i = 0; i < std::max(1, options_.threads); ++i) threads.emplace_back([&] { Work(listing, holdings); });
    for (auto& thread : threads) thread.join();
    return Result();
  }

  // That all of the source is there, and what the source holds no more.
  Status Compare(const Holdings& holdings) {
    Listing ours(from_, options_.only), theirs(to_, options_.only);
    VORA_ASSIGN_OR_RETURN(auto source, ours.Next());
    VORA_ASSIGN_OR_RETURN(auto copy, theirs.Next());
    while ((source || copy) && !Ended()) {
      // Both are sorted.
      const int order = !source ? 1 : !copy ? -1 : source->key.compare(copy->key);
      if (order < 0 && !options_.dry_run && !holdings.IsOfUnfinished(source->key)) Judge(source->key, MustBeThere(source->key));
      if (order > 0) Judge(copy->key, RemoveOne(copy->key));
      if (order <= 0) {
        VORA_ASSIGN_OR_RETURN(source, ours.Next());
      }
      if (order >= 0) {
        VORA_ASSIGN_OR_RETURN(copy, theirs.Next());
      }
    }
    return Result();
  }

 private:
  void Work(Listing& listing, const Holdings& holdings) {
    while (!Ended()) {
      const auto next = listing.Next();
      if (!next.ok()) return End(next.status());
      if (!*next) return;
      if (!holdings.IsOfUnfinished((*next)->key)) Judge((*next)->key, CopyOne(**next));
    }
  }

  StatusOr<bool> IsUnfinishedNow(const std::string& key) {
    const auto upload = layout::UploadOf(key);
    if (!upload) return false;
    return IsUnfinished(from_, *upload);
  }

  Status CopyOne(const ObjectInfo& object) {
    VORA_ASSIGN_OR_RETURN(const bool begun_meanwhile, IsUnfinishedNow(object.key));
    if (begun_meanwhile) return absl::OkStatus();
    std::optional<ObjectInfo> replaced;
    VORA_ASSIGN_OR_RETURN(const bool there, IsThere(object.key, replaced));
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
      const Status copied = CopyObject(from_, to_, object.key, from_mark_, replaced, on_bytes, [this] { return Ended(); });
      if (!copied.ok()) {
        counts_.bytes_copied -= sent;
        // Only what the source has lost meanwhile is none of ours.
        if (copied.code() != StatusCode::kNotFound) return copied;
        VORA_ASSIGN_OR_RETURN(const auto source, Find(from_, object.key));
        return source ? Unavailable(Message(copied)) : absl::OkStatus();
      }
    }
    ++counts_.copied;
    return absl::OkStatus();
  }

  // Else `found` is what is to be replaced, if anything is there. ALREADY_EXISTS: something else is, which no copy of this source wrote.
  StatusOr<bool> IsThere(const std::string& key, std::optional<ObjectInfo>& found) {
    auto looked = Find(to_, key);
    if (looked.status().code() == StatusCode::kDataLoss) {
      if (!options_.overwrite) return DataLoss("is damaged in TO: have it overwritten");
      if (!options_.dry_run) VORA_RETURN_IF_ERROR(to_.Delete(key));
      return false;
    }
    VORA_RETURN_IF_ERROR(looked.status());
    found = *std::move(looked);
    if (!found) return false;
    // S3 lists no content type.
    VORA_ASSIGN_OR_RETURN(const ObjectInfo source, from_.Head(key));
    const bool alike = found->size == source.size && found->content_type == source.content_type;
    const bool known = found->copied_from == from_mark_ + source.etag || source.copied_from == to_mark_ + found->etag;
    if (alike && known && !options_.verify) return true;
    const bool ours = found->copied_from.starts_with(from_mark_);
    if (alike && (known || !ours)) {
      VORA_ASSIGN_OR_RETURN(const bool same, HasSameBytes(key));
      if (same) return true;
      // Nobody has written either since: which of the two has rotted, only a person can find out.
      if (known && !options_.overwrite) {
        return DataLoss(
            "is not what it is a copy of, and neither was written since: one of the two has rotted; where it is the copy, have it "
            "overwritten");
      }
    }
    if (ours || options_.overwrite) return false;
    return AlreadyExists("another object is there, which no copy of FROM wrote: delete it there, or have it overwritten");
  }

  StatusOr<bool> HasSameBytes(const std::string& key) {
    const Stopped stopped = [this] { return Ended(); };
    VORA_ASSIGN_OR_RETURN(const std::string here, HashObject(from_, key, stopped));
    VORA_ASSIGN_OR_RETURN(const std::string there, HashObject(to_, key, stopped));
    return here == there;
  }

  // Here and below nothing goes by the listings alone.
  Status MustBeThere(const std::string& key) {
    VORA_ASSIGN_OR_RETURN(const auto copy, Find(to_, key));
    if (copy) return absl::OkStatus();
    VORA_ASSIGN_OR_RETURN(const auto source, Find(from_, key));
    VORA_ASSIGN_OR_RETURN(const bool unfinished, IsUnfinishedNow(key));
    return source && !unfinished ? DataLoss("is not in TO, where it was before") : absl::OkStatus();
  }

  Status RemoveOne(const std::string& key) {
    VORA_ASSIGN_OR_RETURN(const auto source, Find(from_, key));
    if (source) return absl::OkStatus();
    VORA_ASSIGN_OR_RETURN(const auto copy, Find(to_, key));
    if (!copy) return absl::OkStatus();
    if (!copy->copied_from.starts_with(from_mark_)) {
      ++counts_.only_in_target;
      return absl::OkStatus();
    }
    ++counts_.gone;
    if (!options_.remove || options_.dry_run) return absl::OkStatus();
    VORA_RETURN_IF_ERROR(to_.Delete(key));
    ++counts_.deleted;
    return absl::OkStatus();
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
    // A store that answers is not broken.
    if (status.code() == StatusCode::kAlreadyExists) return;
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
  Status Result() const { return stopped_() ? Cancelled("interrupted") : ended_; }

  ObjectStore& from_;
  ObjectStore& to_;
  const std::string from_mark_, to_mark_;
  const CopyOptions& options_;
  CopyCounts& counts_;
  const Stopped& stopped_;
  const std::function<void(const std::string&, const Status&)>& on_failure_;
  std::atomic<bool> over_{false};
  std::mutex mutex_;
  int in_a_row_ = 0;
  Status ended_;
};

StatusOr<Holdings> LookAtSource(ObjectStore& from, const CopyOptions& options, const Stopped& stopped) {
  VORA_ASSIGN_OR_RETURN(Holdings holdings, LookAt(from, options.only, stopped));
  if (holdings.unfinished.empty() || options.without_unfinished) return holdings;
  return FailedPrecondition(std::to_string(holdings.unfinished.size()) + " uploads are not finished, " + *holdings.unfinished.begin() +
                            " among them: wait until they are, or leave them out and have their clients begin anew");
}

// A place of one root, or a wrong one, would have every copy of the other deleted.
Status CheckNotEmpty(const Holdings& holdings, CopyOptions::Only only) {
  const char* const lacking = only != CopyOptions::Only::kProcessed && holdings.objects == holdings.processed ? "uploads"
                              : only != CopyOptions::Only::kRaw && holdings.processed == 0                    ? "processed/"
                                                                                                              : nullptr;
  if (lacking == nullptr) return absl::OkStatus();
  return FailedPrecondition(std::string("FROM holds nothing of ") + lacking +
                            ", and every copy of that in TO would be deleted: is it the right place, or of one root alone?");
}

// One place may have many names: links, mounts, aliases of a host.
Status CheckApart(ObjectStore& from, ObjectStore& to) {
  const std::string key = layout::ProbeKey(NewId());
  VORA_RETURN_IF_ERROR(to.Put(key, "", {}).status());
  const auto seen = Find(from, key);
  VORA_RETURN_IF_ERROR(to.Delete(key));
  VORA_RETURN_IF_ERROR(seen.status());
  return *seen ? InvalidArgument("TO: is the same store as FROM, under another name") : absl::OkStatus();
}

}  // namespace

Status CopyStore(ObjectStore& from, ObjectStore& to, const CopyOptions& options, CopyCounts& counts, const Stopped& stopped,
                 const std::function<void(const std::string& key, const Status& status)>& on_failure) {
  VORA_ASSIGN_OR_RETURN(const Holdings before, LookAtSource(from, options, stopped));
  counts.objects = before.objects;
  counts.bytes = before.bytes;
  counts.left_out = before.left_out;
  counts.foreign = before.foreign;
  if (options.remove && !options.allow_empty) VORA_RETURN_IF_ERROR(CheckNotEmpty(before, options.only));
  if (!options.dry_run) VORA_RETURN_IF_ERROR(CheckApart(from, to));
  Copy copy(from, to, options, counts, stopped, on_failure);
  copy.TellDamaged(before.damaged);
  VORA_RETURN_IF_ERROR(copy.Run(before));
  if (counts.failed > 0) return absl::OkStatus();
  VORA_ASSIGN_OR_RETURN(const Holdings after, LookAtSource(from, options, stopped));
  if (after.digest != before.digest) return Aborted("FROM changed while it was copied: the same command brings the rest");
  return copy.Compare(after);
}

}  // namespace vora::storage
