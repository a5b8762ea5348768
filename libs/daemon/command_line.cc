#include "libs/daemon/command_line.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

namespace vora::daemon_internal {
namespace {

constexpr std::string_view kOptions = R"(
Options:
  --help          show this text
  --version       show the version
  --print-config  show the settings in effect, secrets masked
  --reference     print the settings as Markdown, for the documentation
  --healthcheck   ask the running daemon (VORA_ADMIN_LISTEN) whether it is ready: exit 0 if so, else 1
)";

constexpr std::string_view kSettings = R"(
Settings are environment variables; an empty one counts as unset:
)";

constexpr std::string_view kFooter = R"(
It runs until SIGTERM or SIGINT, then finishes what is in flight and leaves. Logs are JSON lines on stderr.
The admin address serves /livez, /readyz and /metrics; the gRPC address has health checks and reflection.
Exit codes: 0 clean end, 1 fault, 2 bad settings or arguments.
)";

}  // namespace

StatusOr<CommandLine> ParseCommandLine(int argc, char** argv, const std::vector<DaemonCommand>& own) {
  static const std::map<std::string_view, Command> kKnown = {
      {"--help", Command::kHelp},           {"-h", Command::kHelp},
      {"--version", Command::kVersion},     {"--print-config", Command::kPrintConfig},
      {"--reference", Command::kReference}, {"--healthcheck", Command::kHealthcheck},
  };
  CommandLine line;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto mine = std::find_if(own.begin(), own.end(), [&](const DaemonCommand& command) { return command.flag == argument; });
    if (const auto known = kKnown.find(argument); known != kKnown.end()) {
      line = {known->second, nullptr};
    } else if (mine != own.end()) {
      line = {Command::kOwn, &*mine};
    } else {
      return InvalidArgument("unknown argument '" + std::string(argument) + "'; --help shows what there is");
    }
  }
  return line;
}

std::string HelpText(const DaemonSpec& spec, const std::string& version, const SettingsSchema& schema) {
  std::string text = spec.name + " " + version + ": " + spec.summary + "\n\nUsage: " + spec.name + " [OPTION]\n";
  text.append(kOptions);
  for (const DaemonCommand& command : spec.commands) {
    text.append("  ").append(command.flag).append(std::string(command.flag.size() < 14 ? 14 - command.flag.size() : 0, ' '));
    text.append("  ").append(command.help).append("\n");
  }
  text.append(kSettings).append(schema.Help()).append(kFooter);
  return text;
}

std::string ReferenceText(const DaemonSpec& spec, const SettingsSchema& schema) {
  return "## " + spec.name + "\n\n" + spec.summary + "\n\n" + schema.Markdown();
}

Status CheckListenAddress(const std::string& text) {
  const Status bad = InvalidArgument("must be host:port with a port from 0 to 65535, such as 127.0.0.1:9081 or [::]:9081");
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return bad;
  const std::string_view host = std::string_view(text).substr(0, colon);
  if (host.find(':') != std::string_view::npos && !(host.starts_with('[') && host.ends_with(']'))) return bad;
  int port = -1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
  return error == std::errc() && stop == end && port >= 0 && port <= 65535 ? absl::OkStatus() : bad;
}

std::string LocalUrl(const std::string& listen, const std::string& path) {
  const auto colon = listen.rfind(':');
  std::string host = listen.substr(0, colon);
  if (host == "0.0.0.0" || host == "*") host = "127.0.0.1";
  if (host == "[::]") host = "[::1]";
  return "http://" + host + listen.substr(colon) + path;
}

std::string WithPort(const std::string& listen, int port) { return listen.substr(0, listen.rfind(':') + 1) + std::to_string(port); }

}  // namespace vora::daemon_internal
