// vora: the command line client.

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include "libs/core/priority.h"
#include "libs/core/token_file.h"
#include "libs/core/version.h"
#include "services/cli/commands.h"

namespace {

using vora::cli::GlobalOptions;

CLI::App* AddVideoCommand(CLI::App& app, const std::string& name, const std::string& help, std::string& video_id) {
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("VIDEO", video_id, "The video's id")->required();
  return command;
}

CLI::App* AddSettingsCommand(CLI::App& app, const std::string& name, const std::string& help, vora::cli::SettingsArguments& arguments) {
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("NAME", arguments.name, "Its name")->required();
  CLI::Option* pause = command->add_flag("--pause", arguments.pause, "Nothing of it begins");
  CLI::Option* resume = command->add_flag("--resume", arguments.resume, "What waits begins again")->excludes(pause);
  command->add_option("--max-running", arguments.max_running, "At most so many at a time; 0: no limit");
  command->add_option("--max-starts-per-second", arguments.max_starts_per_second, "At most so many begin, on average; 0: no limit");
  command->add_flag("--reset", arguments.reset, "As usual again")->excludes(pause)->excludes(resume);
  return command;
}

void AddFields(CLI::App* command, vora::cli::VideoFields& fields) {
  command->add_option("--title", fields.title, "Title (default: the file's name)");
  command->add_option("--description", fields.description, "Description");
  command->add_option("--external-id", fields.external_id, "What it is called where it comes from: unique among your videos");
  command->add_option("--ladder", fields.ladder, "What it is encoded as (see: vora ladders); default: the usual one");
  command->add_option("--label", fields.labels, "key=value, by which it is found; more than once if needed");
  command->add_option("--priority", fields.priority, "-1000 to 1000: each point is worth a start an hour earlier")
      ->check(CLI::Range(-vora::kMaxPriority, vora::kMaxPriority));
}

// `ladders` alone lists them.
void AddLadderCommands(CLI::App& app, const GlobalOptions& global, vora::cli::LadderArguments& ladder, int& exit_code) {
  CLI::App* ladders = app.add_subcommand("ladders", "What videos are encoded as: lists the ladders to choose from");
  ladders->require_subcommand(0, 1);
  const auto add = [&](const std::string& name, const std::string& help) {
    CLI::App* command = ladders->add_subcommand(name, help);
    command->add_option("NAME", ladder.name, "The ladder's name")->required();
    return command;
  };
  CLI::App* show = add("show", "The whole ladder, as JSON");
  show->add_option("--version", ladder.version, "This version of it (default: the newest)")->check(CLI::Range(1, 1'000'000));
  show->callback([&global, &ladder, &exit_code] { exit_code = vora::cli::RunShowLadder(global, ladder); });
  CLI::App* put = add("put", "Make a ladder of a JSON file, or a new version of it");
  put->add_option("FILE", ladder.file, "What `vora ladders show` gives, changed; -: standard input")->required();
  put->callback([&global, &ladder, &exit_code] { exit_code = vora::cli::RunPutLadder(global, ladder); });
  CLI::App* remove = add("delete", "Delete a ladder; videos keep what they were encoded with");
  remove->callback([&global, &ladder, &exit_code] { exit_code = vora::cli::RunDeleteLadder(global, ladder.name); });
  CLI::App* make_default = add("default", "Encode new videos with it when nothing is said");
  make_default->callback([&global, &ladder, &exit_code] { exit_code = vora::cli::RunDefaultLadder(global, ladder.name); });
  CLI::App* preview = add("preview", "What a file would become");
  CLI::Option* video = preview->add_option("--video", ladder.video_id, "As this video's file is");
  const auto range = [&](CLI::Option* option, double low, double high) {
    option->check(CLI::Range(low, high))->capture_default_str()->excludes(video);
  };
  range(preview->add_option("--width", ladder.width, "Pixels"), 16, 16384);
  range(preview->add_option("--height", ladder.height, "Pixels"), 16, 16384);
  range(preview->add_option("--frame-rate", ladder.frame_rate, "Frames a second"), 1, 60);
  range(preview->add_option("--seconds", ladder.seconds, "Its length"), 0.04, 604800);
  preview->add_flag("--silent", ladder.silent, "It has no sound")->excludes(video);
  preview->callback([&global, &ladder, &exit_code] { exit_code = vora::cli::RunPreviewLadder(global, ladder); });
  ladders->callback([ladders, &global, &exit_code] {
    if (ladders->get_subcommands().empty()) exit_code = vora::cli::RunLadders(global);
  });
}

}  // namespace

int main(int argc, char** argv) {
  vora::cli::CatchInterrupts();
  CLI::App app{"vora: upload or import videos, follow their processing, and play them.\nA first try: vora upload FILE"};
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", "vora " + std::string(vora::Version()));

  GlobalOptions global{.server = "http://127.0.0.1:8080", .upload_url = "http://127.0.0.1:8081/files/", .token = ""};
  app.add_option("--server", global.server, "Base URL of the edge")->envname("VORA_SERVER")->capture_default_str();
  app.add_option("--upload-url", global.upload_url, "tus endpoint of the upload daemon")->envname("VORA_UPLOAD_URL")->capture_default_str();
  std::string token_file;
  app.add_option("--token", global.token, "Token that lets you in (better kept in a file: other users see command lines)")
      ->envname("VORA_TOKEN");
  app.add_option("--token-file", token_file, "File that holds the token")->envname("VORA_TOKEN_FILE");
  // Runs before the commands' callbacks, which use the token already.
  app.parse_complete_callback([&] {
    if (!global.token.empty() || token_file.empty()) return;
    if (const auto read = vora::ReadToken(token_file); read.ok()) {
      global.token = *read;
    } else {
      throw CLI::ValidationError("--token-file", vora::Message(read.status()));
    }
  });
  app.add_flag("--json", global.json, "Results as JSON, one document per line; errors as JSON on stderr");

  int exit_code = 0;
  std::string video_id;

  vora::cli::UploadArguments upload;
  bool no_wait = false;
  bool no_checksum = false;
  CLI::App* upload_command =
      app.add_subcommand("upload", "Upload a file and follow it until it can be watched; the same command resumes after an interruption");
  upload_command->add_option("FILE", upload.file, "The video file")->required();
  AddFields(upload_command, upload.fields);
  upload_command->add_option("--max-rate", upload.max_rate, "At most so many bytes per second (64KiB, 2MiB ...)")
      ->transform(CLI::AsSizeValue(false));
  upload_command->add_flag("--no-wait", no_wait, "End after the upload, without waiting for the processing");
  upload_command->add_flag("--no-checksum", no_checksum, "Do not compute and send the file's SHA-256");
  upload_command->callback([&] {
    upload.wait = !no_wait;
    upload.checksum = !no_checksum;
    exit_code = vora::cli::RunUpload(global, upload);
  });

  vora::cli::ImportArguments import;
  bool import_no_wait = false;
  CLI::App* import_command =
      app.add_subcommand("import", "Make a video of a file that lies elsewhere, and follow it until it can be watched");
  import_command->add_option("WHAT", import.what, "The URL of a file, or its path in a source (see: vora sources)")->required();
  import_command->add_option("--source", import.source, "The source that the file lies in; needed when there are several");
  AddFields(import_command, import.fields);
  import_command->add_flag("--no-wait", import_no_wait, "End once it is accepted");
  import_command->callback([&] {
    import.wait = !import_no_wait;
    exit_code = vora::cli::RunImport(global, import);
  });
  app.add_subcommand("sources", "The sources that files are imported from")->callback([&] { exit_code = vora::cli::RunSources(global); });
  vora::cli::LadderArguments ladder;
  AddLadderCommands(app, global, ladder, exit_code);
  vora::cli::ScanArguments scan;
  bool scan_no_wait = false;
  CLI::App* scan_command = app.add_subcommand("scan", "Make a video of each media file in a source that has none; it can be repeated");
  scan_command->add_option("SOURCE", scan.source, "Its name (see: vora sources)")->required();
  scan_command->add_flag("--no-wait", scan_no_wait, "End once it has begun");
  scan_command->add_flag("--files", scan.files, "Name the files that failed");
  scan_command->callback([&] {
    scan.wait = !scan_no_wait;
    exit_code = vora::cli::RunScan(global, scan);
  });

  vora::cli::ListArguments list;
  CLI::App* list_command = app.add_subcommand("list", "List videos, newest first");
  list_command->add_option("--page-size", list.page_size, "Videos per page, 1 to 200")->capture_default_str();
  list_command->add_option("--page-token", list.page_token, "Where the former page ended");
  list_command->add_option("--state", list.state, "Only these: CREATED, PROCESSING, PARTIALLY_READY, READY, FAILED, CANCELLED");
  list_command->add_option("--query", list.query, "Part of the title or file name");
  list_command->add_option("--external-id", list.external_id, "Only the one with this id of its own");
  list_command->add_option("--label", list.labels, "key=value, more than once if needed: only what has all of these");
  list_command->callback([&] { exit_code = vora::cli::RunList(global, list); });

  AddVideoCommand(app, "show", "Show a video", video_id)->callback([&] { exit_code = vora::cli::RunShow(global, video_id); });
  AddVideoCommand(app, "watch", "Follow a video's processing live", video_id)->callback([&] {
    exit_code = vora::cli::RunWatch(global, video_id);
  });

  std::string kind = "hls";
  CLI::App* play_url = AddVideoCommand(app, "play-url", "Print the URL to play a video", video_id);
  play_url->add_option("--kind", kind, "hls, dash, watch (the player page), or mp4 (the file to download, if there is one)")
      ->check(CLI::IsMember({"hls", "dash", "watch", "mp4"}))
      ->capture_default_str();
  play_url->callback([&] { exit_code = vora::cli::RunPlayUrl(global, video_id, kind); });

  AddVideoCommand(app, "cancel", "Stop processing a video", video_id)->callback([&] {
    exit_code = vora::cli::RunCancel(global, video_id);
  });
  std::string encode_ladder;
  bool encode_no_wait = false;
  CLI::App* encode =
      AddVideoCommand(app, "encode", "Encode a video anew; players get the new renditions at once when all are done", video_id);
  encode->add_option("--ladder", encode_ladder, "What it becomes (see: vora ladders); default: the usual one");
  encode->add_flag("--no-wait", encode_no_wait, "End once it has begun");
  encode->callback([&] { exit_code = vora::cli::RunEncode(global, video_id, encode_ladder, !encode_no_wait); });
  int encode_cancel = 0;
  CLI::App* encodes = AddVideoCommand(app, "encodes", "The times that a video was encoded anew", video_id);
  CLI::Option* cancel_encode = encodes->add_option("--cancel", encode_cancel, "Stop this one, by its number");
  encodes->callback([&, cancel_encode] {
    exit_code =
        cancel_encode->count() > 0 ? vora::cli::RunCancelEncode(global, video_id, encode_cancel) : vora::cli::RunEncodes(global, video_id);
  });
  bool retry_wait = false;
  CLI::App* retry = AddVideoCommand(app, "retry", "Process again what failed or was cancelled; finished work is kept", video_id);
  retry->add_flag("--wait", retry_wait, "Follow it until it ends");
  retry->callback([&] { exit_code = vora::cli::RunRetry(global, video_id, retry_wait); });
  AddVideoCommand(app, "delete", "Delete a video and its files", video_id)->callback([&] {
    exit_code = vora::cli::RunDelete(global, video_id);
  });
  AddVideoCommand(app, "history", "The history of a video's workflow", video_id)->callback([&] {
    exit_code = vora::cli::RunHistory(global, video_id);
  });

  std::string reason;
  CLI::App* pause = AddVideoCommand(app, "pause", "Pause processing a video; what it has done is kept", video_id);
  pause->add_option("--reason", reason, "Why, for people");
  pause->callback([&] { exit_code = vora::cli::RunPause(global, video_id, reason); });
  AddVideoCommand(app, "resume", "Go on with a video that was paused", video_id)->callback([&] {
    exit_code = vora::cli::RunResume(global, video_id);
  });
  std::string activity_id;
  CLI::App* retry_now = AddVideoCommand(app, "retry-now", "Try again at once what waits for its next attempt", video_id);
  retry_now->add_option("--activity", activity_id, "Only this one (720p/chunk/3), by its name in the history");
  retry_now->callback([&] { exit_code = vora::cli::RunRetryNow(global, video_id, activity_id); });
  int priority = 0;
  CLI::App* set_priority = AddVideoCommand(app, "priority", "Set how urgent a video's processing is", video_id);
  set_priority->add_option("PRIORITY", priority, "-1000 to 1000; 0 is usual")
      ->required()
      ->check(CLI::Range(-vora::kMaxPriority, vora::kMaxPriority));
  set_priority->callback([&] { exit_code = vora::cli::RunPriority(global, video_id, priority); });

  CLI::App* storage = app.add_subcommand("storage", "Object stores, for operators");
  storage->require_subcommand(1);
  vora::cli::CopyArguments copy;
  CLI::App* copy_command = storage->add_subcommand(
      "copy",
      "Copy all objects of a store into another one and verify them; the same command goes on after an interruption.\nKeys: "
      "VORA_S3_FROM_ACCESS_KEY, VORA_S3_TO_SECRET_KEY and so on, else VORA_S3_...");
  copy_command->add_option("FROM", copy.from, "file:///absolute/path or s3://BUCKET?endpoint=https://HOST, as in VORA_STORAGE")->required();
  copy_command->add_option("TO", copy.to, "The same of the store that is written to")->required();
  copy_command->add_option("--root", copy.root, "Only uploads (raw), or only what is made of them (processed)")
      ->check(CLI::IsMember({"raw", "processed"}));
  copy_command->add_flag("--verify", copy.verify, "Read and compare what is there already, instead of going by what it is a copy of");
  copy_command->add_flag("--dry-run", copy.dry_run, "Write nothing; say what would be");
  copy_command->add_flag("--without-unfinished", copy.without_unfinished,
                         "Leave out uploads that are not finished; their clients begin anew");
  copy_command->add_flag("--overwrite", copy.overwrite, "Replace also what no copy of FROM wrote, and what has rotted, where it differs");
  CLI::Option* remove =
      copy_command->add_flag("--delete", copy.remove, "Delete copies in TO of what FROM holds no more; else they are counted");
  copy_command->add_flag("--allow-empty", copy.allow_empty, "With --delete: although FROM holds nothing of a root")->needs(remove);
  copy_command->add_option("--jobs", copy.jobs, "Objects at the same time")->check(CLI::Range(1, 128))->capture_default_str();
  copy_command->callback([&] { exit_code = vora::cli::RunStorageCopy(global, copy); });

  app.add_subcommand("queues", "The queues of the fleet, for operators")->callback([&] { exit_code = vora::cli::RunQueues(global); });
  vora::cli::SettingsArguments queue;
  CLI::App* queue_command =
      AddSettingsCommand(app, "queue", "Show a queue's settings, or change them; what runs goes on to its end", queue);
  queue_command->callback([&] { exit_code = vora::cli::RunQueue(global, queue); });
  app.add_subcommand("tenants", "Tenants for which something is set, for operators")->callback([&] {
    exit_code = vora::cli::RunTenants(global);
  });
  vora::cli::SettingsArguments tenant;
  CLI::App* tenant_command =
      AddSettingsCommand(app, "tenant", "Show a tenant's settings, or change them; what runs goes on to its end", tenant);
  tenant_command->add_option("--retention-days", tenant.retention_days, "Its closed runs stay so long; 0: for ever, -1: as everybody's");
  tenant_command->add_option("--weight", tenant.weight, "Its part of the fleet against those of others; usually 1");
  tenant_command->callback([&] { exit_code = vora::cli::RunTenant(global, tenant); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    // --help and --version end parsing too, and are no errors.
    return code == 0 ? 0 : 2;
  }
  return exit_code;
}
