#include "libs/workflow/service/progress_stream_internal.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "libs/rpc/push_stream.h"

namespace vora::workflow {
namespace {

// Below gRPC's 4 MiB by far, and soon read.
constexpr size_t kMessageBytes = 256 << 10;

class ProgressStream final : public rpc::PushStream<v1::WatchProgressResponse> {
 public:
  explicit ProgressStream(ProgressFeed& feed) : feed_(feed) {}

  void Begin(const v1::WatchProgressRequest& request, const Status& refused) {
    if (!refused.ok()) return Link::End(link(), refused);
    StartSendInitialMetadata();  // tells that somebody is there
    watch_ = feed_.Add(
        request,
        [this, link = link()](const std::vector<v1::RunProgress>& runs) {
          Link::Push(link, [&] {
            // Of a run only the newest matters: what waits for a slow reader grows no further than there are runs.
            for (const auto& run : runs) next_.insert_or_assign(run.run_id(), run);
            told_ = true;
          });
        },
        [link = link()] { Link::End(link, Unavailable("the orchestrator is going down; ask another one")); });
  }

 private:
  bool TakeNext(v1::WatchProgressResponse& response) override {
    for (size_t bytes = 0; !next_.empty() && bytes < kMessageBytes; next_.erase(next_.begin())) {
      bytes += next_.begin()->second.ByteSizeLong();
      response.add_runs()->Swap(&next_.begin()->second);
    }
    if (told_ && next_.empty() && !std::exchange(caught_up_, true)) response.set_caught_up(true);
    return !response.runs().empty() || response.caught_up();
  }
  void Leave() override {
    if (watch_) feed_.Forget(watch_);
  }

  ProgressFeed& feed_;
  std::shared_ptr<ProgressFeed::Watch> watch_;
  std::map<std::string, v1::RunProgress> next_;  // by run
  bool told_ = false, caught_up_ = false;
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchProgressResponse>* StartProgressStream(ProgressFeed& feed, const v1::WatchProgressRequest& request,
                                                                         const Status& refused) {
  auto* stream = new ProgressStream(feed);
  stream->Begin(request, refused);
  return stream;
}

}  // namespace vora::workflow
