#include "libs/storage/folder/folder_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "libs/core/encoding.h"
#include "libs/storage/base/key.h"
#include "libs/storage/folder/folder_walk.h"
#include "libs/storage/local/local_file.h"

namespace vora::storage {
namespace {

StatusOr<UniqueFd> OpenFolder(const std::string& directory) {
  UniqueFd folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.valid()) return folder;
  const Status why = ErrnoStatus(errno, directory);
  return why.code() == StatusCode::kNotFound ? Unavailable(Message(why)) : why;
}

StatusOr<struct stat> StatFile(int file, const std::string& key) {
  struct stat stat {};
  if (::fstat(file, &stat) != 0) return ErrnoStatus(errno, key);
  if (!S_ISREG(stat.st_mode)) return NotFound(key + " is no file");
  return stat;
}

struct OpenedFile {
  UniqueFd file;
  ObjectInfo info;
};

StatusOr<OpenedFile> OpenFile(const std::string& directory, const std::string& key) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  VORA_ASSIGN_OR_RETURN(const UniqueFd folder, OpenFolder(directory));
  // Without waiting for a writer, should it be a pipe.
  VORA_ASSIGN_OR_RETURN(UniqueFd file, OpenBeneath(folder.get(), key, O_RDONLY | O_NONBLOCK));
  VORA_ASSIGN_OR_RETURN(const struct stat stat, StatFile(file.get(), key));
  return OpenedFile{std::move(file), InfoOfFile(key, stat)};
}

class FolderReader final : public ObjectReader {
 public:
  FolderReader(OpenedFile opened, int64_t begin, int64_t end) : opened_(std::move(opened)), at_(begin), end_(end) {}
  const ObjectInfo& info() const override { return opened_.info; }

  StatusOr<size_t> Read(char* buffer, size_t size) override {
    const auto wanted = static_cast<size_t>(std::min<int64_t>(end_ - at_, static_cast<int64_t>(std::min<size_t>(size, INT64_MAX))));
    if (wanted == 0) return size_t{0};
    const std::string& key = opened_.info.key;
    const Status read = ReadAt(opened_.file.get(), buffer, wanted, at_);
    // After the bytes were read: what was written before that shows in the time of change.
    VORA_ASSIGN_OR_RETURN(const struct stat stat, StatFile(opened_.file.get(), key));
    if (InfoOfFile(key, stat).etag != opened_.info.etag) return Aborted(key + " changed while it was read");
    VORA_RETURN_IF_ERROR(read);
    at_ += static_cast<int64_t>(wanted);
    return wanted;
  }

 private:
  const OpenedFile opened_;
  int64_t at_;
  const int64_t end_;
};

}  // namespace

FolderStore::FolderStore(std::string directory) : directory_(std::move(directory)) {}
FolderStore::~FolderStore() = default;

StatusOr<std::unique_ptr<ObjectReader>> FolderStore::Open(const std::string& key, int64_t offset, int64_t length) {
  VORA_RETURN_IF_ERROR(ValidateOffset(offset));
  auto opened = OpenFile(directory_, key);
  if (!opened.ok()) return Judge(opened.status());
  const int64_t size = opened->info.size;
  if (offset > size) return OutOfRange(key + " has " + std::to_string(size) + " bytes");
  const int64_t end = length < 0 || length > size - offset ? size : offset + length;
  return std::unique_ptr<ObjectReader>(std::make_unique<FolderReader>(*std::move(opened), offset, end));
}

StatusOr<ObjectInfo> FolderStore::Head(const std::string& key) {
  auto opened = OpenFile(directory_, key);
  if (!opened.ok()) return Judge(opened.status());
  return opened->info;
}

StatusOr<ListPage> FolderStore::List(const std::string& prefix, const std::string& token, int max) {
  std::unique_ptr<FolderWalk> walk;
  {
    const std::lock_guard lock(mutex_);
    if (walk_ && !token.empty() && walk_prefix_ == prefix && walk_token_ == token) walk = std::move(walk_);
  }
  if (!walk) {
    const auto after = Base64UrlDecode(token);
    if (!after) return InvalidArgument("list " + Describe() + ": not a token of this store");
    VORA_ASSIGN_OR_RETURN(UniqueFd folder, OpenFolder(directory_));
    walk = std::make_unique<FolderWalk>(std::move(folder), prefix, *after);
  }
  ListPage page;
  VORA_RETURN_IF_ERROR(walk->Fill(static_cast<size_t>(std::clamp(max, 1, 1000)), page));
  if (page.next_token.empty()) return page;
  // A name need not be UTF-8, and a token is.
  page.next_token = Base64UrlEncode(page.next_token);
  const std::lock_guard lock(mutex_);
  walk_prefix_ = prefix;
  walk_token_ = page.next_token;
  walk_ = std::move(walk);
  return page;
}

Status FolderStore::Ping() { return OpenFolder(directory_).status(); }

Status FolderStore::Judge(const Status& failed) const {
  if (failed.code() != StatusCode::kNotFound) return failed;
  VORA_ASSIGN_OR_RETURN(UniqueFd folder, OpenFolder(directory_));
  ListPage page;
  VORA_RETURN_IF_ERROR(FolderWalk(std::move(folder), "", "").Fill(1, page));
  const bool empty = page.objects.empty() && page.unusable.empty();
  return empty ? Unavailable(directory_ + " has no files: is what belongs there mounted?") : failed;
}

}  // namespace vora::storage
