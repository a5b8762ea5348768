// Listing of the local store: folders are walked in key order (local_path.h), so a page costs no more than the folders it touches.

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>

#include "libs/log/log.h"
#include "libs/storage/base/key.h"
#include "libs/storage/local/local_path.h"
#include "libs/storage/local/local_store.h"

namespace vora::storage {
namespace {

bool StartsWith(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

struct Entry {
  KeyFragment fragment;
  std::string name;
};

StatusOr<std::vector<Entry>> ReadFolder(int fd) {
  std::vector<Entry> entries;
  VORA_RETURN_IF_ERROR(ReadEntries(fd, [&](const dirent& entry) {
    std::string name = entry.d_name;
    if (auto fragment = ToKeyFragment(name)) entries.push_back({*std::move(fragment), std::move(name)});
  }));
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.fragment.text < b.fragment.text; });
  return entries;
}

class Walk {
 public:
  Walk(std::string_view prefix, std::string_view after, size_t max) : prefix_(prefix), after_(after), max_(max) {}

  // Adds what lies in `folder`, whose keys begin with `base`; `page.next_token` is set when there is more than fits.
  Status Folder(int folder, const std::string& base) {
    VORA_ASSIGN_OR_RETURN(std::vector<Entry> entries, ReadFolder(folder));
    for (const Entry& entry : entries) {
      std::string key = base + entry.fragment.text;
      VORA_RETURN_IF_ERROR(entry.fragment.is_object ? Object(folder, entry.name, key) : Below(folder, entry.name, key));
      if (!page.next_token.empty()) break;
    }
    return absl::OkStatus();
  }

  ListPage page;

 private:
  Status Below(int folder, const std::string& name, const std::string& base) {
    bool overlaps = StartsWith(base, prefix_) || StartsWith(prefix_, base);
    // Every key below `base` sorts before the last one listed: the whole folder was on earlier pages.
    bool behind = after_ > base && !StartsWith(after_, base);
    if (!overlaps || behind) return absl::OkStatus();
    auto child = OpenBeneath(folder, name, O_RDONLY | O_DIRECTORY);
    if (child.ok()) return Folder(child->get(), base);
    // A folder that was read may be gone by now: Delete removes empty ones. That is no error of the listing.
    return child.status().code() == StatusCode::kNotFound ? absl::OkStatus() : child.status();
  }

  Status Object(int folder, const std::string& name, const std::string& key) {
    if (!StartsWith(key, prefix_) || key <= after_) return absl::OkStatus();
    // Only one more object proves that there is another page; a full page alone may be the last.
    if (page.objects.size() == max_) {
      page.next_token = page.objects.back().key;
      return absl::OkStatus();
    }
    auto file = OpenBeneath(folder, name, O_RDONLY);
    if (!file.ok()) return file.status().code() == StatusCode::kNotFound ? absl::OkStatus() : file.status();
    auto trailer = ReadTrailer(file->get());
    if (trailer.ok()) {
      page.objects.push_back(ToObjectInfo(key, *trailer));
    } else if (trailer.status().code() == StatusCode::kDataLoss) {
      log::Warn("damaged object left out of a listing", {{"key", key}, {"error", ToText(trailer.status())}});
      page.unusable.push_back({key, Message(trailer.status())});
    } else {
      return trailer.status();
    }
    return absl::OkStatus();
  }

  std::string_view prefix_, after_;
  size_t max_;
};

}  // namespace

StatusOr<ListPage> LocalObjectStore::List(const std::string& prefix, const std::string& token, int max) {
  Walk walk(prefix, token, static_cast<size_t>(std::clamp(max, 1, 1000)));
  // Straight to the folder that the prefix names: those above it may hold very many others.
  std::string base = prefix.substr(0, prefix.rfind('/') + 1);
  std::string folder = ".";
  if (!base.empty()) {
    if (!ValidateKey(base + "x").ok()) return ListPage{};
    folder = ToLocalPath(base + "x").folder;
  }
  auto opened = OpenBeneath(root_.get(), folder, O_RDONLY | O_DIRECTORY);
  if (!opened.ok()) return opened.status().code() == StatusCode::kNotFound ? StatusOr<ListPage>(ListPage{}) : opened.status();
  VORA_RETURN_IF_ERROR(walk.Folder(opened->get(), base));
  return std::move(walk.page);
}

}  // namespace vora::storage
