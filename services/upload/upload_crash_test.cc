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
#include "services/upload/harness_test.h"

namespace vora::upload {
namespace {

// A free port that stays the same over restarts, so that upload URLs do.
int FreePort() {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return ntohs(address.sin_port);
}

class DaemonProcess {
 public:
  DaemonProcess(std::string store, int port) : store_(std::move(store)), port_(port) { Start(); }
  ~DaemonProcess() { Signal(SIGKILL); }
  void Start() {
    std::vector<std::string> environment{"VORA_STORAGE=" + StoreUrl(store_),
                                         "VORA_HTTP_LISTEN=127.0.0.1:" + std::to_string(port_),
                                         "VORA_GRPC_LISTEN=127.0.0.1:0",
                                         "VORA_ADMIN_LISTEN=127.0.0.1:0",
                                         "VORA_UPLOAD_CHECKPOINT_BYTES=16MiB",
                                         "VORA_LOG_LEVEL=error",
                                         "VORA_AUTH=none"};
    for (const char* name : {"VORA_S3_ACCESS_KEY", "VORA_S3_SECRET_KEY"}) {
      if (const char* value = std::getenv(name)) environment.push_back(std::string(name) + "=" + value);
    }
    std::vector<char*> pointers;
    for (std::string& entry : environment) pointers.push_back(entry.data());
    pointers.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      execle(VORA_UPLOAD_BINARY, VORA_UPLOAD_BINARY, static_cast<char*>(nullptr), pointers.data());
      _exit(127);
    }
    Tus tus;
    WaitFor("the daemon answers", [&] { return tus.Send("OPTIONS", url(), {}).status == 204; });
  }
  // The exit status as waitpid gives it.
  int Signal(int signal) {
    if (pid_ <= 0) return 0;
    kill(pid_, signal);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/files/"; }
  int64_t PeakRssBytes() const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("VmHWM:", 0) == 0) return std::stoll(line.substr(6)) * 1024;
    }
    return -1;
  }

 private:
  std::string store_;
  int port_;
  pid_t pid_ = -1;
};

TEST(UploadCrashTest, SigkillAtRandomInstantsLosesNothingAcknowledged) {
  const std::string bytes = RandomBytes(60'000'003);
  TempDir dir;
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
  const std::string bytes = RandomBytes(100 << 20);
  TempDir dir;
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
