#pragma once

// The command line that every daemon has.

#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/daemon/daemon.h"
#include "libs/settings/settings.h"

namespace vora::daemon_internal {

enum class Command { kRun, kHelp, kVersion, kPrintConfig, kReference, kHealthcheck, kOwn };

struct CommandLine {
  Command command = Command::kRun;
  const DaemonCommand* own = nullptr;  // of kOwn: one of the daemon's commands
};

// INVALID_ARGUMENT names the argument that is not known.
StatusOr<CommandLine> ParseCommandLine(int argc, char** argv, const std::vector<DaemonCommand>& own);

std::string HelpText(const DaemonSpec& spec, const std::string& version, const SettingsSchema& schema);

// The daemon's settings as a chapter of docs/configuration.md.
std::string ReferenceText(const DaemonSpec& spec, const SettingsSchema& schema);

// OK when `text` is host:port with a port from 0 to 65535 (`[::1]:80` for IPv6).
Status CheckListenAddress(const std::string& text);

// The URL of the admin server that listens on `listen`, as seen from this machine: wildcard addresses become loopback.
std::string LocalUrl(const std::string& listen, const std::string& path);

// `listen` with its port replaced by `port`.
std::string WithPort(const std::string& listen, int port);

}  // namespace vora::daemon_internal
