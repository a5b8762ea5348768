#include "libs/rpc/tls_identity.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "libs/log/log.h"

namespace vora::rpc {
namespace {

constexpr std::chrono::seconds kInterval{1};
constexpr unsigned kGrpcInterval = 1;
constexpr std::chrono::hours kExpiresSoon{14 * 24};
constexpr std::chrono::hours kWarnAgain{12};

int NewMemoryFile(const std::string& content) {
  const int fd = memfd_create("vora-tls", MFD_CLOEXEC);
  std::string_view left = content;
  while (fd >= 0 && !left.empty()) {
    const ssize_t written = write(fd, left.data(), left.size());
    if (written <= 0) break;
    left.remove_prefix(static_cast<size_t>(written));
  }
  if (fd < 0 || !left.empty()) {
    log::Error("no memory for the TLS identity");
    std::abort();
  }
  return fd;
}

}  // namespace

TlsIdentity::MemoryFile::MemoryFile(const std::string& content) : fd_(NewMemoryFile(content)) {}
TlsIdentity::MemoryFile::~MemoryFile() { close(fd_); }

void TlsIdentity::MemoryFile::Replace(const std::string& content) const {
  const int fresh = NewMemoryFile(content);
  // The number and so the path stay, and a reader opens the old content or the new one, never a part.
  dup3(fresh, fd_, O_CLOEXEC);
  close(fresh);
}

TlsIdentity::TlsIdentity(TlsSettings settings, TlsFiles files)
    : settings_(std::move(settings)),
      files_(std::move(files)),
      certificate_(files_.certificate),
      key_(files_.key),
      authority_(files_.authority),
      provider_(std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(key_.path(), certificate_.path(), authority_.path(),
                                                                                     kGrpcInterval)),
      seen_(Stamp()),
      watcher_("tls-identity", [this] {
        Look();
        return kInterval;
      }) {
  watcher_.Start();
}

TlsIdentity::~TlsIdentity() = default;

std::string TlsIdentity::Stamp() const {
  std::string stamp;
  for (const std::string* path : {&settings_.certificate, &settings_.key, &settings_.authority}) {
    struct stat file {};
    if (stat(path->c_str(), &file) != 0) file = {};
    for (const auto number : {static_cast<int64_t>(file.st_ino), static_cast<int64_t>(file.st_size),
                              static_cast<int64_t>(file.st_mtim.tv_sec), static_cast<int64_t>(file.st_mtim.tv_nsec)}) {
      stamp.append(std::to_string(number)).append(" ");
    }
  }
  return stamp;
}

void TlsIdentity::Look() {
  const std::lock_guard lock(mutex_);
  TellExpiry();
  std::string stamp = Stamp();
  if (stamp == seen_) return;
  // Before it is known to be good: a bad renewal is told once, and tried again when a file changes.
  seen_ = std::move(stamp);
  Renew();
}

void TlsIdentity::Renew() {
  auto files = ReadTlsFiles(settings_, Clock::Real().Now());
  if (!files.ok()) {
    log::Error("the changed TLS files are not used; the identity stays as it was", {{"reason", Message(files.status())}});
    return;
  }
  files_ = *std::move(files);
  key_.Replace(files_.key);
  certificate_.Replace(files_.certificate);
  authority_.Replace(files_.authority);
  warned_ = {};
  log::Info("TLS identity renewed", {{"certificate", settings_.certificate}, {"expires", FormatRfc3339(files_.expiry)}});
}

void TlsIdentity::TellExpiry() {
  const auto left = files_.expiry - Clock::Real().Now();
  for (obs::Gauge* gauge : gauges_) gauge->Set(std::chrono::duration<double>(left).count());
  const auto now = std::chrono::steady_clock::now();
  if (left > kExpiresSoon || (warned_ != std::chrono::steady_clock::time_point() && now - warned_ < kWarnAgain)) return;
  warned_ = now;
  log::Warn("the TLS certificate expires soon: renew VORA_TLS_CERT and VORA_TLS_KEY; they are read again when they change",
            {{"certificate", settings_.certificate}, {"expires", FormatRfc3339(files_.expiry)}});
}

void TlsIdentity::Publish(obs::Gauge& gauge) {
  const std::lock_guard lock(mutex_);
  gauges_.insert(&gauge);
  gauge.Set(std::chrono::duration<double>(files_.expiry - Clock::Real().Now()).count());
}

void TlsIdentity::Forget(obs::Gauge& gauge) {
  const std::lock_guard lock(mutex_);
  gauges_.erase(&gauge);
}

}  // namespace vora::rpc
