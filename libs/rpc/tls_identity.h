#pragma once

// The identity that the process shows over TLS: watches its files, and hands what is sound on to gRPC.

#include <grpcpp/security/tls_certificate_provider.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "libs/obs/metrics.h"
#include "libs/rpc/tls_files.h"
#include "libs/run/periodic.h"

namespace vora::rpc {

// gRPC's own file watcher would take over a key before its certificate, or half a file, and then fail every handshake. It is pointed at
// copies in memory, which change together and only to what ReadTlsFiles finds good.
class TlsIdentity {
 public:
  TlsIdentity(TlsSettings settings, TlsFiles files);
  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  const TlsSettings& settings() const { return settings_; }
  const std::shared_ptr<grpc::experimental::CertificateProviderInterface>& provider() const { return provider_; }

  // Keeps `gauge` at the seconds that the certificate is still good for, until Forget.
  void Publish(obs::Gauge& gauge);
  void Forget(obs::Gauge& gauge);

 private:
  // A file without a name in the file system, replaced as a whole.
  class MemoryFile {
   public:
    explicit MemoryFile(const std::string& content);
    ~MemoryFile();
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    void Replace(const std::string& content) const;
    std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

   private:
    int fd_;
  };

  std::string Stamp() const;  // changes when a file does
  void Look();
  void Renew();
  void TellExpiry();

  const TlsSettings settings_;
  TlsFiles files_;
  const MemoryFile certificate_, key_, authority_;
  const std::shared_ptr<grpc::experimental::CertificateProviderInterface> provider_;
  std::string seen_;
  std::chrono::steady_clock::time_point warned_{};

  std::mutex mutex_;
  std::set<obs::Gauge*> gauges_;
  Periodic watcher_;  // last: uses all of the above
};

// Of the process; null without TLS.
std::shared_ptr<TlsIdentity> CurrentIdentity();

}  // namespace vora::rpc
