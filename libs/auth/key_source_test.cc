#include "libs/auth/key_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "libs/auth/testing/test_keys.h"
#include "libs/http/server/server.h"
#include "libs/testing/eventually.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::auth {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

std::string OnlyId(const KeySource& source) {
  const auto snapshot = source.keys();
  return snapshot->keys.size() == 1 ? snapshot->keys[0].id() : "";
}

class KeyFileTest : public ::testing::Test {
 protected:
  // As a whole, as tools that rotate files do.
  void Write(const std::string& text) const {
    std::ofstream(path_ + ".new") << text;
    std::filesystem::rename(path_ + ".new", path_);
  }
  StatusOr<std::unique_ptr<KeySource>> Open() {
    return KeySource::Open({path_, milliseconds(5), milliseconds(5), milliseconds(5)}, metrics_);
  }

  const TempFolder folder_;
  const std::string path_ = folder_ / "keys.json";
  obs::Metrics metrics_;
};

TEST_F(KeyFileTest, IsReadAgainWhenItChanges) {
  Write(JwkSet({SigningKey::Ec("first")}));
  const auto source = Open();
  ASSERT_THAT(source, IsOk());
  EXPECT_EQ(OnlyId(**source), "first");
  const uint64_t generation = (*source)->keys()->generation;
  Write(JwkSet({SigningKey::Ec("second")}));
  EXPECT_TRUE(Eventually([&] { return OnlyId(**source) == "second"; }));
  EXPECT_GT((*source)->keys()->generation, generation);
}

TEST_F(KeyFileTest, KeepsItsKeysWhenTheFileIsBroken) {
  Write(JwkSet({SigningKey::Ec("first")}));
  const auto source = Open();
  ASSERT_THAT(source, IsOk());
  Write("{");
  EXPECT_TRUE(Eventually([&] { return metrics_.Expose().find("vora_auth_key_reads_total{result=\"failed\"} 0\n") == std::string::npos; }));
  EXPECT_EQ(OnlyId(**source), "first");
  std::filesystem::remove(path_);
  Write(JwkSet({SigningKey::Ec("healed")}));
  EXPECT_TRUE(Eventually([&] { return OnlyId(**source) == "healed"; }));
}

TEST_F(KeyFileTest, MustBeThereAtTheStart) {
  EXPECT_THAT(Open(), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Message(Open().status()), HasSubstr(path_));
  Write(R"({"keys":[]})");
  EXPECT_THAT(Message(Open().status()), HasSubstr("no key that can verify"));
}

TEST(KeyLocationTest, IsAFileOrHttps) {
  for (const char* good :
       {"/etc/vora/keys.json", "keys.json", "https://id.example/keys", "http://127.0.0.1:80/k", "http://localhost/k", "http://[::1]:1/k"}) {
    EXPECT_THAT(CheckKeyLocation(good), IsOk()) << good;
  }
  for (const char* bad :
       {"http://id.example/keys", "http://127.0.0.1.evil.example/", "http://localhost@evil.example/", "ftp://x/", "file:///etc/keys"}) {
    EXPECT_THAT(CheckKeyLocation(bad), StatusIs(StatusCode::kInvalidArgument)) << bad;
  }
}

// Serves key sets, and can stop to.
class KeyServer {
 public:
  KeyServer() : server_({}, metrics_) {
    server_.RouteSimple("GET", "/keys", [this](const http::Request&, const std::string&) {
      const std::lock_guard lock(mutex_);
      ++asked_;
      return http::Response::Json(status_, body_);
    });
    server_.RouteSimple("GET", "/moved", [](const http::Request&, const std::string&) {
      http::Response response = http::Response::Empty(302);
      response.headers.Set("Location", "/keys");
      return response;
    });
    const Status started = server_.Start();
    EXPECT_THAT(started, IsOk());
  }
  ~KeyServer() { server_.Shutdown(milliseconds(100)); }
  void Serve(int status, const std::string& body) {
    const std::lock_guard lock(mutex_);
    status_ = status;
    body_ = body;
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::string Url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(server_.port()) + path; }

 private:
  obs::Metrics metrics_;
  http::Server server_;
  std::mutex mutex_;
  int status_ = 200, asked_ = 0;
  std::string body_;
};

TEST(KeyUrlTest, AnUnknownKeyMakesItAskAgainButNotMoreOftenThanAllowed) {
  KeyServer server;
  obs::Metrics metrics;
  server.Serve(200, JwkSet({SigningKey::Ec("first")}));
  const auto source = KeySource::Open({server.Url("/keys"), milliseconds(1), std::chrono::hours(1), milliseconds(300)}, metrics);
  ASSERT_THAT(source, IsOk());
  const auto began = std::chrono::steady_clock::now();
  server.Serve(200, JwkSet({SigningKey::Ec("second")}));
  EXPECT_TRUE(Eventually([&] {
    (*source)->Suspect();
    return OnlyId(**source) == "second";
  }));
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(250));
  EXPECT_EQ(server.asked(), 2);
}

TEST(KeyUrlTest, KeepsItsKeysWhileTheServerFails) {
  KeyServer server;
  obs::Metrics metrics;
  server.Serve(200, JwkSet({SigningKey::Ec("first")}));
  const auto source = KeySource::Open({server.Url("/keys"), milliseconds(1), milliseconds(5), milliseconds(5)}, metrics);
  ASSERT_THAT(source, IsOk());
  for (const auto& [status, body] :
       {std::pair<int, std::string>{500, "{}"}, {200, "not json"}, {200, std::string(kMaxKeySetBytes + 1, ' ')}}) {
    server.Serve(status, body);
    const int before = server.asked();
    EXPECT_TRUE(Eventually([&] { return server.asked() >= before + 3; }));
    EXPECT_EQ(OnlyId(**source), "first");
  }
  server.Serve(200, JwkSet({SigningKey::Ec("healed")}));
  EXPECT_TRUE(Eventually([&] { return OnlyId(**source) == "healed"; }));
}

TEST(KeyUrlTest, MustAnswerAtTheStartAndIsNotFollowedElsewhere) {
  KeyServer server;
  obs::Metrics metrics;
  server.Serve(200, JwkSet({SigningKey::Ec("first")}));
  const auto moved = KeySource::Open({server.Url("/moved")}, metrics);
  EXPECT_THAT(moved, StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(Message(moved.status()), HasSubstr("302"));
  EXPECT_THAT(KeySource::Open({"http://127.0.0.1:9/keys"}, metrics), StatusIs(StatusCode::kUnavailable));
}

}  // namespace
}  // namespace vora::auth
