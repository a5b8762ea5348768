#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "libs/core/encoding.h"
#include "libs/storage/copy/copy_store.h"
#include "libs/storage/roots.h"
#include "services/cli/command_output.h"
#include "services/cli/commands.h"
#include "services/cli/progress.h"

namespace vora::cli {
namespace {

using storage::CopyCounts;
using storage::CopyOptions;

constexpr std::chrono::milliseconds kRedraw{200};

// `name`: FROM or TO, as in the names of its variables.
StatusOr<std::unique_ptr<storage::ObjectStore>> OpenStore(const std::string& url, const std::string& name, bool must_exist,
                                                          obs::Metrics& metrics) {
  constexpr std::string_view kFile = "file://";
  // A folder that is missing would be made, and an empty copy of a misspelt one would look like success.
  if (must_exist && url.starts_with(kFile)) {
    const auto folder = PercentDecode(std::string_view(url).substr(kFile.size()));
    std::error_code ignored;
    if (folder && !std::filesystem::is_directory(*folder, ignored)) return NotFound(name + ": there is no folder " + *folder);
  }
  auto store = storage::OpenObjectStore(url, metrics, storage::EnvironmentOf(name));
  if (!store.ok()) return Annotate(store.status(), name);
  VORA_RETURN_IF_ERROR(Annotate((*store)->Ping(), name));
  return store;
}

// Before they are opened, which makes a folder.
Status CheckPlaces(const CopyArguments& arguments) {
  const auto from = storage::PlaceOf(arguments.from, storage::EnvironmentOf("FROM"));
  if (!from.ok()) return Annotate(from.status(), "FROM");
  const auto to = storage::PlaceOf(arguments.to, storage::EnvironmentOf("TO"));
  if (!to.ok()) return Annotate(to.status(), "TO");
  if (*from == *to) return InvalidArgument("TO: is the same store as FROM, " + *to);
  if (to->starts_with(*from + '/')) return InvalidArgument("TO: lies inside FROM, " + *from);
  if (from->starts_with(*to + '/')) return InvalidArgument("TO: holds FROM inside it, " + *from);
  return absl::OkStatus();
}

CopyOptions OptionsOf(const CopyArguments& arguments) {
  CopyOptions options;
  options.only = arguments.root == "raw"         ? CopyOptions::Only::kRaw
                 : arguments.root == "processed" ? CopyOptions::Only::kProcessed
                                                 : CopyOptions::Only::kAll;
  options.verify = arguments.verify;
  options.dry_run = arguments.dry_run;
  options.without_unfinished = arguments.without_unfinished;
  options.overwrite = arguments.overwrite;
  options.remove = arguments.remove;
  options.allow_empty = arguments.allow_empty;
  options.threads = arguments.jobs;
  return options;
}

void ShowCopy(ProgressView& view, TransferRate& rate, const CopyCounts& counts) {
  const int64_t done = counts.bytes_copied + counts.bytes_skipped, total = counts.bytes;
  rate.Update(counts.bytes_copied);
  const int percent = total > 0 ? static_cast<int>(done * 100 / total) : 0;
  std::string line = "  copy      " + Bar(percent, 24) + "  " + FormatBytes(static_cast<double>(done)) + " of " +
                     FormatBytes(static_cast<double>(total)) + "  " + std::to_string(counts.copied + counts.skipped) + " of " +
                     std::to_string(counts.objects) + " objects";
  if (rate.bytes_per_second() > 0) line += "  " + FormatBytes(rate.bytes_per_second()) + "/s";
  view.Show({line}, "copy" + std::to_string(percent / 10));
}

// Redraws while `work` runs.
Status WithProgress(ProgressView& view, const CopyCounts& counts, const std::function<Status()>& work) {
  std::atomic<bool> ended{false};
  Status result;
  std::thread worker([&] {
    result = work();
    ended = true;
  });
  TransferRate rate;
  while (!ended) {
    ShowCopy(view, rate, counts);
    std::this_thread::sleep_for(kRedraw);
  }
  worker.join();
  ShowCopy(view, rate, counts);
  return result;
}

nlohmann::json CountsOf(const CopyCounts& counts, bool dry_run) {
  return {{"objects", counts.objects.load()},
          {"copied", counts.copied.load()},
          {"skipped", counts.skipped.load()},
          {"failed", counts.failed.load()},
          {"left_out", counts.left_out.load()},
          {"foreign", counts.foreign.load()},
          {"gone", counts.gone.load()},
          {"deleted", counts.deleted.load()},
          {"only_in_target", counts.only_in_target.load()},
          {"bytes_copied", counts.bytes_copied.load()},
          {"bytes_skipped", counts.bytes_skipped.load()},
          {"dry_run", dry_run}};
}

void PrintCounts(const CopyCounts& counts, bool dry_run) {
  std::printf("%lld %s (%s), %lld there already, %lld failed", static_cast<long long>(counts.copied), dry_run ? "to be copied" : "copied",
              FormatBytes(static_cast<double>(counts.bytes_copied)).c_str(), static_cast<long long>(counts.skipped),
              static_cast<long long>(counts.failed));
  const auto tell = [](const char* what, int64_t count) {
    if (count > 0) std::printf(", %lld %s", static_cast<long long>(count), what);
  };
  tell("of unfinished uploads left out", counts.left_out);
  tell("that are not Vora's left where they are", counts.foreign);
  tell("deleted that FROM holds no more", counts.deleted);
  tell("that FROM holds no more still in TO (--delete)", counts.gone - counts.deleted);
  tell("of its own in TO", counts.only_in_target);
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int RunStorageCopy(const GlobalOptions& global, const CopyArguments& arguments) {
  if (const Status apart = CheckPlaces(arguments); !apart.ok()) return ReportError(global, apart);
  obs::Metrics metrics;
  const auto from = OpenStore(arguments.from, "FROM", true, metrics);
  if (!from.ok()) return ReportError(global, from.status());
  const auto to = OpenStore(arguments.to, "TO", arguments.dry_run, metrics);
  if (!to.ok()) return ReportError(global, to.status());
  CopyCounts counts;
  Status status;
  {
    // The view ends before anything else is printed, so that its last block stays.
    ProgressView view(global.json);
    status = WithProgress(view, counts, [&] {
      return storage::CopyStore(**from, **to, OptionsOf(arguments), counts, Interrupted,
                                [&](const std::string& key, const Status& failed) { ReportError(global, Annotate(failed, key)); });
    });
  }
  if (global.json) {
    PrintJson(CountsOf(counts, arguments.dry_run));
  } else {
    PrintCounts(counts, arguments.dry_run);
  }
  if (!status.ok()) {
    if (Interrupted() && !global.json) std::fprintf(stderr, "Interrupted. The same command goes on where it stopped.\n");
    return ReportError(global, status);
  }
  return counts.failed == 0 ? 0 : 1;
}

}  // namespace vora::cli
