#include "libs/media/base/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace vora::media {
namespace {

class FileSource : public ByteSource {
 public:
  FileSource(int fd, int64_t size) : fd_(fd), size_(size) {}
  ~FileSource() override { close(fd_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  int64_t size() const override { return size_; }
  StatusOr<size_t> ReadAt(int64_t offset, char* buffer, size_t size) override {
    for (;;) {
      const ssize_t got = pread(fd_, buffer, size, offset);
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) return Unavailable(std::string("cannot read the source: ") + std::strerror(errno));
    }
  }

 private:
  int fd_;
  int64_t size_;
};

}  // namespace

StatusOr<std::unique_ptr<ByteSource>> OpenFileSource(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NotFound("cannot open " + path + ": " + std::strerror(errno));
  struct stat info = {};
  if (fstat(fd, &info) != 0) {
    close(fd);
    return NotFound("cannot stat " + path);
  }
  return std::unique_ptr<ByteSource>(new FileSource(fd, info.st_size));
}

}  // namespace vora::media
