#include "libs/daemon/daemon.h"

#include <gmock/gmock.h>
#include <grpc/health/v1/health.grpc.pb.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "libs/http/client/client.h"
#include "libs/rpc/client.h"
#include "libs/testing/child_process.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Environment = std::map<std::string, std::string>;

http::ClientResponse Get(const std::string& url) {
  http::Client client;
  http::ClientRequest request;
  request.url = url;
  const auto response = client.Do(request);
  EXPECT_THAT(response, IsOk()) << url;
  return response.ok() ? *response : http::ClientResponse{};
}

constexpr char kAuthIsOff[] = "auth is off (VORA_AUTH=none): everybody who reaches this daemon may do everything";

// Auth off, unless `environment` says otherwise.
Environment Unguarded(Environment environment = {}) {
  environment.insert({"VORA_AUTH", "none"});
  return environment;
}

class Sample {
 public:
  explicit Sample(const Environment& environment = {}) : process(SAMPLE_DAEMON, {}, Unguarded(environment)) {
    const auto listening = process.WaitForLog("listening");
    EXPECT_TRUE(listening) << process.err();
    if (!listening) return;
    admin = (*listening)["admin"];
    grpc = (*listening)["grpc"];
  }
  std::string Url(const std::string& path) const { return std::string("http://").append(admin).append(path); }

  ChildProcess process;
  std::string admin;
  std::string grpc;
};

int RunOnce(std::vector<std::string> arguments, const Environment& environment, std::string* out, std::string* err) {
  ChildProcess process(SAMPLE_DAEMON, std::move(arguments), environment);
  const int code = process.Wait();
  *out = process.out();
  *err = process.err();
  return code;
}

TEST(DaemonCommandTest, HelpExplainsEverySetting) {
  std::string out, err;
  EXPECT_EQ(RunOnce({"--help"}, {}, &out, &err), 0);
  EXPECT_EQ(err, "");
  EXPECT_THAT(out, testing::StartsWith("vora-sample " VORA_VERSION ": does nothing, but properly\n\nUsage: vora-sample [OPTION]\n"));
  EXPECT_THAT(out, HasSubstr("  VORA_SAMPLE_SLOTS  (default: 4)\n      How much of nothing is done at once. From 1 to 64.\n"));
  for (const char* text : {"--print-config", "--healthcheck", "VORA_GRPC_LISTEN", "VORA_ADMIN_LISTEN", "VORA_LOG_LEVEL", "VORA_DRAIN_DELAY",
                           "VORA_DRAIN_TIMEOUT", "Exit codes"}) {
    EXPECT_THAT(out, HasSubstr(text));
  }
}

TEST(DaemonCommandTest, VersionIsOneLine) {
  std::string out, err;
  EXPECT_EQ(RunOnce({"--version"}, {}, &out, &err), 0);
  EXPECT_EQ(out, "vora-sample " VORA_VERSION "\n");
}

TEST(DaemonCommandTest, PrintConfigMasksSecrets) {
  std::string out, err;
  EXPECT_EQ(RunOnce({"--print-config"}, {{"VORA_SAMPLE_SECRET", "hunter2"}, {"VORA_SAMPLE_SLOTS", "9"}}, &out, &err), 0);
  EXPECT_THAT(out, AllOf(HasSubstr("VORA_SAMPLE_SLOTS=9\n"), HasSubstr("VORA_SAMPLE_SECRET=***\n"), HasSubstr("VORA_LOG_LEVEL=info\n"),
                         HasSubstr("VORA_DRAIN_DELAY=0s\n"), HasSubstr("VORA_DRAIN_TIMEOUT=20s\n"), Not(HasSubstr("hunter2"))));
}

TEST(DaemonCommandTest, AllMistakesAreNamedAndExitIsTwo) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{}, {"--print-config"}}) {
    std::string out, err;
    EXPECT_EQ(RunOnce(arguments, {{"VORA_SAMPLE_SLOTS", "0"}, {"VORA_LOG_LEVEL", "loud"}, {"VORA_ADMIN_LISTEN", "here"}}, &out, &err), 2);
    EXPECT_EQ(out, "");
    EXPECT_THAT(err, AllOf(HasSubstr("VORA_SAMPLE_SLOTS=0: must be at least 1\n"),
                           HasSubstr("VORA_LOG_LEVEL=loud: must be one of: debug, info, warn, error\n"),
                           HasSubstr("VORA_ADMIN_LISTEN=here: must be host:port"), HasSubstr("`vora-sample --help`")));
  }
}

TEST(DaemonCommandTest, UnknownArgumentsAreRefused) {
  std::string out, err;
  EXPECT_EQ(RunOnce({"--frobnicate"}, {}, &out, &err), 2);
  EXPECT_THAT(err, HasSubstr("unknown argument '--frobnicate'"));
}

TEST(DaemonTest, ServesAdminAndDrainsInOrder) {
  Sample sample;
  EXPECT_EQ(Get(sample.Url("/livez")).status, 200);
  EXPECT_EQ(Get(sample.Url("/readyz")).body, "ready\n");
  const auto metrics = Get(sample.Url("/metrics"));
  EXPECT_THAT(metrics.headers.GetOr("content-type", ""), HasSubstr("version=0.0.4"));
  EXPECT_THAT(metrics.body, AllOf(HasSubstr("vora_build_info{version=\"" VORA_VERSION "\"} 1\n"), HasSubstr("vora_sample_slots 4\n"),
                                  HasSubstr("process_resident_memory_bytes")));
  sample.process.Signal(SIGTERM);
  EXPECT_EQ(sample.process.Wait(), 0) << sample.process.err();
  EXPECT_THAT(sample.process.Messages("part"), ElementsAre(kAuthIsOff, "listening", "draining", "part stopped second", "part stopped first",
                                                           "part destroyed second", "part destroyed first", "stopped"));
}

TEST(DaemonTest, GrpcHealthFollowsTheDrain) {
  using grpc::health::v1::HealthCheckResponse;
  Sample sample(Environment{{"VORA_DRAIN_DELAY", "1s"}});
  const auto stub = grpc::health::v1::Health::NewStub(rpc::Connect(sample.grpc));
  grpc::ClientContext context;
  rpc::Prepare(context, std::chrono::seconds(20));
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("ready");
  const auto watch = stub->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  sample.process.Signal(SIGTERM);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(sample.process.Wait(), 0) << sample.process.err();
}

TEST(DaemonTest, InterruptDrainsToo) {
  Sample sample;
  sample.process.Signal(SIGINT);
  EXPECT_EQ(sample.process.Wait(), 0) << sample.process.err();
}

TEST(DaemonTest, ReadinessFollowsItsChecks) {
  const TempFolder folder;
  const std::string file = folder / "broken";
  Sample sample(Environment{{"VORA_SAMPLE_BREAK_FILE", file}});
  EXPECT_EQ(Get(sample.Url("/readyz")).status, 200);
  std::ofstream(file) << "x";
  const auto broken = Get(sample.Url("/readyz"));
  EXPECT_EQ(broken.status, 503);
  EXPECT_EQ(broken.body, "not ready: file: the file is there\n");
  EXPECT_EQ(Get(sample.Url("/livez")).status, 200);

  std::string out, err;
  EXPECT_EQ(RunOnce({"--healthcheck"}, {{"VORA_ADMIN_LISTEN", sample.admin}}, &out, &err), 1);
  EXPECT_EQ(err, "not ready: file: the file is there\n");
  std::filesystem::remove(file);
  EXPECT_EQ(Get(sample.Url("/readyz")).status, 200);
  EXPECT_EQ(RunOnce({"--healthcheck"}, {{"VORA_ADMIN_LISTEN", sample.admin}, {"VORA_SAMPLE_SLOTS", "not its business"}}, &out, &err), 0)
      << err;
  EXPECT_EQ(out, "ready\n");
}

TEST(DaemonTest, HealthcheckOfADeadDaemonFails) {
  std::string admin;
  {
    const Sample sample;
    admin = sample.admin;
  }
  std::string out, err;
  EXPECT_EQ(RunOnce({"--healthcheck"}, {{"VORA_ADMIN_LISTEN", admin}}, &out, &err), 1);
  EXPECT_NE(err, "");
}

TEST(DaemonTest, IsNotReadyDuringTheDrainDelayButStillServes) {
  Sample sample(Environment{{"VORA_DRAIN_DELAY", "1s"}});
  sample.process.Signal(SIGTERM);
  ASSERT_TRUE(sample.process.WaitForLog("draining")) << sample.process.err();
  const auto ready = Get(sample.Url("/readyz"));
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(ready.body, "not ready: draining\n");
  EXPECT_EQ(sample.process.Wait(), 0) << sample.process.err();
}

TEST(DaemonTest, AFailingPartEndsItWithCodeOne) {
  ChildProcess process(SAMPLE_DAEMON, {}, Unguarded({{"VORA_SAMPLE_FAULT", "later"}}));
  EXPECT_EQ(process.Wait(), 1);
  EXPECT_THAT(process.err(), HasSubstr("DATA_LOSS: the disk is gone"));
  EXPECT_THAT(process.Messages("part"), AllOf(Contains("part stopped first"), Contains("part destroyed first"), Contains("stopped")));
}

TEST(DaemonTest, AFailedSetupStopsWhatWasStarted) {
  ChildProcess process(SAMPLE_DAEMON, {}, Unguarded({{"VORA_SAMPLE_FAULT", "setup"}}));
  EXPECT_EQ(process.Wait(), 1);
  EXPECT_THAT(process.err(), HasSubstr("UNAVAILABLE: the database is away"));
  EXPECT_THAT(process.Messages("part"), ElementsAre(kAuthIsOff, "cannot start", "part stopped second", "part stopped first",
                                                    "part destroyed second", "part destroyed first"));
}

TEST(DaemonTest, SettingsFoundWrongBySetupExitWithTwo) {
  ChildProcess process(SAMPLE_DAEMON, {}, Unguarded({{"VORA_SAMPLE_FAULT", "settings"}}));
  EXPECT_EQ(process.Wait(), 2);
  EXPECT_THAT(process.err(), HasSubstr("VORA_SAMPLE_FAULT: makes no sense"));
}

TEST(DaemonTest, PortsInUseAreNamed) {
  const Sample first;
  const std::pair<const char*, std::string> cases[] = {{"VORA_GRPC_LISTEN", first.grpc}, {"VORA_ADMIN_LISTEN", first.admin}};
  for (const auto& [variable, address] : cases) {
    ChildProcess second(SAMPLE_DAEMON, {}, Unguarded({{variable, address}}));
    EXPECT_EQ(second.Wait(), 1);
    EXPECT_THAT(second.err(), AllOf(HasSubstr("cannot start"), HasSubstr(address), HasSubstr(variable)));
  }
}

TEST(DaemonTest, ALatePartIsNamedAndAStuckOneGivenUp) {
  Sample late(Environment{{"VORA_SAMPLE_FAULT", "late-stop"}});
  late.process.Signal(SIGTERM);
  EXPECT_EQ(late.process.Wait(), 0) << late.process.err();
  EXPECT_THAT(late.process.Messages("part"), Contains("a part is late to stop sleepy"));

  Sample stuck(Environment{{"VORA_SAMPLE_FAULT", "stuck-stop"}});
  stuck.process.Signal(SIGTERM);
  ASSERT_TRUE(stuck.process.WaitForLog("a part is late to stop"));
  stuck.process.Signal(SIGINT);
  EXPECT_EQ(stuck.process.Wait(), 1);
  EXPECT_THAT(stuck.process.Messages("part"), Contains("interrupted again: leaving at once sleepy"));
}

TEST(DaemonAuthTest, WithoutKeysItDoesNotStartAndSaysWhatToSet) {
  std::string out, err;
  EXPECT_EQ(RunOnce({}, {}, &out, &err), 2);
  EXPECT_THAT(err, AllOf(HasSubstr("VORA_JWT_SECRET or VORA_JWT_JWKS: one must be set"), HasSubstr("VORA_AUTH=none"),
                         HasSubstr("VORA_JWT_AUDIENCE: must be set"), HasSubstr("VORA_FLEET_SECRET: must be set")));
  const std::string shared(32, 's');
  EXPECT_EQ(
      RunOnce(
          {},
          {{"VORA_JWT_SECRET", shared}, {"VORA_FLEET_SECRET", shared}, {"VORA_JWT_AUDIENCE", "vora-fleet"}, {"VORA_OTLP_ENDPOINT", "ftp"}},
          &out, &err),
      2);
  EXPECT_THAT(err, AllOf(HasSubstr("VORA_FLEET_SECRET: must differ from VORA_JWT_SECRET"),
                         HasSubstr("VORA_JWT_AUDIENCE: must not be vora-fleet"), HasSubstr("VORA_OTLP_ENDPOINT"), Not(HasSubstr(shared))));
}

TEST(DaemonAuthTest, StartsWithKeys) {
  Sample sample(Environment{{"VORA_AUTH", "jwt"},
                            {"VORA_JWT_SECRET", std::string(32, 'j')},
                            {"VORA_JWT_AUDIENCE", "vora"},
                            {"VORA_FLEET_SECRET", std::string(32, 'f')}});
  EXPECT_THAT(Get(sample.Url("/metrics")).body, HasSubstr("vora_auth_refused_total{reason=\"signature\"} 0"));
  sample.process.Signal(SIGTERM);
  EXPECT_EQ(sample.process.Wait(), 0) << sample.process.err();
  EXPECT_THAT(sample.process.err(), Not(HasSubstr("VORA_AUTH=none")));
}

TEST(DaemonAuthTest, AKeySetThatIsNotThereIsASettingThatIsWrong) {
  std::string out, err;
  EXPECT_EQ(
      RunOnce({}, {{"VORA_JWT_JWKS", "/nowhere/keys.json"}, {"VORA_JWT_AUDIENCE", "vora"}, {"VORA_FLEET_SECRET", std::string(32, 'f')}},
              &out, &err),
      2);
  EXPECT_THAT(err, HasSubstr("VORA_JWT_JWKS /nowhere/keys.json"));
}

TEST(DaemonAuthTest, AuthThatIsOffIsWarnedOf) {
  Sample sample;
  EXPECT_THAT(sample.process.err(), HasSubstr("auth is off (VORA_AUTH=none)"));
}

}  // namespace
}  // namespace vora
