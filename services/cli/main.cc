// vora: the command line client.

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include "libs/core/version.h"
#include "services/cli/commands.h"
#include "services/cli/token_file.h"

namespace {

using vora::cli::GlobalOptions;

CLI::App* AddVideoCommand(CLI::App& app, const std::string& name, const std::string& help, std::string& video_id) {
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("VIDEO", video_id, "The video's id")->required();
  return command;
}

}  // namespace

int main(int argc, char** argv) {
  vora::cli::CatchInterrupts();
  CLI::App app{"vora: upload videos, follow their processing, and play them.\nA first try: vora upload FILE"};
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
    if (const auto read = vora::cli::ReadToken(token_file); read.ok()) {
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
  upload_command->add_option("--title", upload.title, "Title (default: the file's name)");
  upload_command->add_option("--description", upload.description, "Description");
  upload_command->add_option("--max-rate", upload.max_rate, "At most so many bytes per second (64KiB, 2MiB ...)")
      ->transform(CLI::AsSizeValue(false));
  upload_command->add_flag("--no-wait", no_wait, "End after the upload, without waiting for the processing");
  upload_command->add_flag("--no-checksum", no_checksum, "Do not compute and send the file's SHA-256");
  upload_command->callback([&] {
    upload.wait = !no_wait;
    upload.checksum = !no_checksum;
    exit_code = vora::cli::RunUpload(global, upload);
  });

  vora::cli::ListArguments list;
  CLI::App* list_command = app.add_subcommand("list", "List videos, newest first");
  list_command->add_option("--page-size", list.page_size, "Videos per page, 1 to 200")->capture_default_str();
  list_command->add_option("--page-token", list.page_token, "Where the former page ended");
  list_command->add_option("--state", list.state, "Only these: CREATED, PROCESSING, PARTIALLY_READY, READY, FAILED, CANCELLED");
  list_command->add_option("--query", list.query, "Part of the title or file name");
  list_command->callback([&] { exit_code = vora::cli::RunList(global, list); });

  AddVideoCommand(app, "show", "Show a video", video_id)->callback([&] { exit_code = vora::cli::RunShow(global, video_id); });
  AddVideoCommand(app, "watch", "Follow a video's processing live", video_id)->callback([&] {
    exit_code = vora::cli::RunWatch(global, video_id);
  });

  std::string kind = "hls";
  CLI::App* play_url = AddVideoCommand(app, "play-url", "Print the URL to play a video", video_id);
  play_url->add_option("--kind", kind, "hls, dash, or watch (the player page)")
      ->check(CLI::IsMember({"hls", "dash", "watch"}))
      ->capture_default_str();
  play_url->callback([&] { exit_code = vora::cli::RunPlayUrl(global, video_id, kind); });

  AddVideoCommand(app, "cancel", "Stop processing a video", video_id)->callback([&] {
    exit_code = vora::cli::RunCancel(global, video_id);
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

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    // --help and --version end parsing too, and are no errors.
    return code == 0 ? 0 : 2;
  }
  return exit_code;
}
