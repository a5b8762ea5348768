// A real vora-upload process, killed at random instants in the middle of a transfer.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "libs/core/digest.h"
#include "libs/testing/child_process.h"
#include "libs/testing/free_port.h"
#include "services/upload/harness_test.h"

namespace vora::upload {
namespace {

class DaemonProcess {
 public:
  DaemonProcess(std::string store, int port) : store_(std::move(store)), port_(port) { Start(); }
  void Start() {
    std::map<std::string, std::string> environment{{"VORA_STORAGE", StoreUrl(store_)},
                                                   {"VORA_HTTP_LISTEN", "127.0.0.1:" + std::to_string(port_)},
                                                   {"VORA_GRPC_LISTEN", "127.0.0.1:0"},
                                                   {"VORA_ADMIN_LISTEN", "127.0.0.1:0"},
                                                   {"VORA_UPLOAD_CHECKPOINT_BYTES", "16MiB"},
                                                   {"VORA_LOG_LEVEL", "error"},
                                                   {"VORA_AUTH", "none"}};
    for (const char* name : {"VORA_S3_ACCESS_KEY", "VORA_S3_SECRET_KEY"}) {
      if (const char* value = std::getenv(name)) environment[name] = value;
    }
    process_ = std::make_unique<ChildProcess>(VORA_UPLOAD_BINARY, std::vector<std::string>{}, environment);
    Tus tus;
    WaitFor("the daemon answers", [&] { return tus.Send("OPTIONS", url(), {}).status == 204; });
  }
  // Signals it and waits for its end: the exit code, or 128 + signal.
  int Signal(int signal) {
    process_->Signal(signal);
    return process_->Wait();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/files/"; }
  int64_t PeakRssBytes() const {
    std::ifstream status("/proc/" + std::to_string(process_->pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("VmHWM:", 0) == 0) return std::stoll(line.substr(6)) * 1024;
    }
    return -1;
  }

 private:
  std::string store_;
  int port_;
  std::unique_ptr<ChildProcess> process_;
};

TEST(UploadCrashTest, SigkillAtRandomInstantsLosesNothingAcknowledged) {
  const std::string bytes = RandomBytes(60'000'003);
  TempFolder dir;
  DaemonProcess daemon(dir.path(), FreePort());
  Tus tus;
  std::string upload = tus.Create(daemon.url(), bytes.size());
  std::mt19937 random(20261120);
  int64_t acknowledged = 0;
  int kills = 0;
  while (acknowledged < static_cast<int64_t>(bytes.size())) {
    std::atomic<bool> answered{false};
    http::ClientResponse response;
    std::thread sender([&] {
      Tus own;
      size_t piece = 1 + random() % 40'000'000;
      response = own.Patch(upload, acknowledged, std::string_view(bytes).substr(static_cast<size_t>(acknowledged), piece));
      answered = true;
    });
    // Any instant is a fair one: the test holds wherever the signal strikes.
    const auto strike = std::chrono::steady_clock::now() + std::chrono::milliseconds(random() % 300);
    while (!answered && std::chrono::steady_clock::now() < strike) std::this_thread::yield();
    if (kills < 12) {
      daemon.Signal(SIGKILL);
      ++kills;
      sender.join();
      daemon.Start();
    } else {
      sender.join();
    }
    if (response.status == 204) acknowledged = OffsetOf(response);
    int64_t offset = tus.Offset(upload);
    ASSERT_GE(offset, acknowledged) << "acknowledged bytes are gone";
    acknowledged = offset;
  }
  EXPECT_GE(kills, 2);
  std::unique_ptr<storage::ObjectStore> store = OpenStore(dir.path());
  EXPECT_EQ(Sha256(Original(*store, upload)), Sha256(bytes));
  EXPECT_EQ(daemon.Signal(SIGTERM), 0) << "a clean exit";
}

TEST(UploadCrashTest, MemoryStaysBounded) {
  constexpr int kUploads = 3;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the memory of the sanitizer would be measured";
#endif
  const std::string bytes = RandomBytes(100 << 20);
  TempFolder dir;
  DaemonProcess daemon(dir.path(), FreePort());
  std::vector<std::thread> clients;
  std::vector<int> statuses(kUploads);
  for (int i = 0; i < kUploads; ++i) {
    clients.emplace_back([&, i] {
      Tus tus;
      std::string upload = tus.Create(daemon.url(), bytes.size());
      statuses[static_cast<size_t>(i)] = tus.Patch(upload, 0, bytes).status;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(statuses, std::vector<int>(kUploads, 204));
  EXPECT_LT(daemon.PeakRssBytes(), (64 + 16 * kUploads) << 20);
}

TEST(UploadCrashTest, SettingsAreCheckedTogether) {
  EXPECT_EQ(std::system((std::string("VORA_STORAGE= VORA_UPLOAD_MAX_BYTES=1 ") + VORA_UPLOAD_BINARY + " >/dev/null 2>&1").c_str()) >> 8, 2);
  EXPECT_EQ(std::system((std::string(VORA_UPLOAD_BINARY) + " --help >/dev/null 2>&1").c_str()), 0);
}

}  // namespace
}  // namespace vora::upload
