// A small real daemon for daemon_test: two parts, a readiness check that a file can break, and ways to fail.

#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "libs/core/error.h"
#include "libs/daemon/daemon.h"
#include "libs/log/log.h"
#include "libs/run/lifecycle.h"

namespace {

struct Part {
  explicit Part(std::string n) : name(std::move(n)) {}
  ~Part() { vora::log::Info("part destroyed", {{"part", name}}); }
  std::string name;
};

}  // namespace

int main(int argc, char** argv) {
  int64_t slots = 4;
  std::string secret;
  std::string break_file;
  std::string fault = "none";
  vora::DaemonSpec spec;
  spec.name = "vora-sample";
  spec.summary = "does nothing, but properly";
  spec.default_grpc = "127.0.0.1:0";
  spec.default_admin = "127.0.0.1:0";
  spec.declare = [&](vora::SettingsSchema& schema) {
    schema.Add("VORA_SAMPLE_SLOTS", &slots, "How much of nothing is done at once", {.min = 1, .max = 64});
    schema.Add("VORA_SAMPLE_SECRET", &secret, "A key", {.secret = true});
    schema.Add("VORA_SAMPLE_BREAK_FILE", &break_file, "While this file exists the daemon is not ready");
    schema.Add("VORA_SAMPLE_FAULT", &fault, "What goes wrong",
               {.choices = {"none", "setup", "settings", "later", "late-stop", "stuck-stop"}});
  };
  spec.setup = [&](vora::Daemon& daemon) -> vora::Status {
    for (const char* name : {"first", "second"}) {
      daemon.Keep(std::make_shared<Part>(name));
      daemon.OnStop(name, std::chrono::seconds(2), [name](std::chrono::milliseconds budget) {
        vora::log::Info("part stopped", {{"part", name}, {"budget_ms", budget.count()}});
      });
    }
    daemon.readiness().AddCheck(
        "file", [&break_file] { return std::filesystem::exists(break_file) ? vora::Unavailable("the file is there") : absl::OkStatus(); });
    daemon.metrics().AddGauge("vora_sample_slots", "Slots.").Set(static_cast<double>(slots));
    if (fault == "setup") return vora::Unavailable("the database is away");
    if (fault == "settings") return vora::InvalidField("VORA_SAMPLE_FAULT", "makes no sense");
    if (fault == "later") {
      auto failing = std::make_shared<std::jthread>([&daemon] { daemon.Fail(vora::DataLoss("the disk is gone")); });
      daemon.Keep(failing);
    }
    if (fault == "late-stop" || fault == "stuck-stop") {
      const auto time = fault == "late-stop" ? std::chrono::milliseconds(500) : std::chrono::minutes(10);
      daemon.OnStop("sleepy", std::chrono::milliseconds(10), [time](std::chrono::milliseconds) { std::this_thread::sleep_for(time); });
    }
    return absl::OkStatus();
  };
  return vora::RunDaemon(argc, argv, spec);
}
