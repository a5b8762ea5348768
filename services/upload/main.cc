// vora-upload: resumable uploads (tus 1.0.0) into the object store.

#include <malloc.h>

#include <memory>

#include "libs/daemon/daemon.h"
#include "libs/log/log.h"
#include "services/upload/announce/announce_again.h"
#include "services/upload/upload_app.h"

namespace {

// What the daemon is made of, in the order it has to live.
struct Parts {
  std::shared_ptr<vora::storage::ObjectStore> store;
  std::unique_ptr<vora::upload::UploadApp> app;
};

}  // namespace

int main(int argc, char** argv) {
  // Many threads, few allocations: an arena per thread would only hold memory back.
  mallopt(M_ARENA_MAX, 2);
  vora::upload::UploadSettings settings;
  vora::DaemonSpec spec;
  spec.name = "vora-upload";
  spec.summary = "resumable uploads (tus 1.0.0) into the object store";
  spec.default_grpc = "127.0.0.1:9081";
  spec.default_admin = "127.0.0.1:9181";
  spec.declare = [&](vora::SettingsSchema& schema) { settings.Declare(schema); };
  spec.setup = [&](vora::Daemon& daemon) -> vora::Status {
    VORA_RETURN_IF_ERROR(settings.Validate());
    auto parts = std::make_shared<Parts>();
    VORA_ASSIGN_OR_RETURN(parts->store, settings.storage.Open(vora::storage::Root::kRaw, daemon.metrics()));
    parts->app =
        std::make_unique<vora::upload::UploadApp>(settings, *parts->store, daemon.metrics(), vora::Authorization(daemon.authenticator()));
    VORA_RETURN_IF_ERROR(parts->app->Start([&daemon](vora::Status reason) { daemon.Fail(reason); }));
    daemon.AddService(parts->app->grpc_service());
    daemon.readiness().AddCheck("object store", [app = parts->app.get()] { return app->StoreHealth(); });
    daemon.OnStop("uploads", std::chrono::seconds(15), [app = parts->app.get()](std::chrono::milliseconds budget) { app->Stop(budget); });
    daemon.Keep(std::move(parts));
    return {};
  };
  spec.commands.push_back({"--announce-again", "after a restore: announce every finished upload to the listeners once more, then exit",
                           [&](vora::obs::Metrics& metrics) -> vora::Status {
                             VORA_RETURN_IF_ERROR(settings.Validate());
                             VORA_ASSIGN_OR_RETURN(const auto store, settings.storage.Open(vora::storage::Root::kRaw, metrics));
                             vora::upload::UploadRepo repo(*store, vora::Clock::Real());
                             VORA_ASSIGN_OR_RETURN(const int64_t announced, vora::upload::AnnounceAgain(repo));
                             vora::log::Info("finished uploads are announced again", {{"uploads", announced}});
                             return {};
                           }});
  return vora::RunDaemon(argc, argv, spec);
}
