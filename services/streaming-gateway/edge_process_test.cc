#include "services/streaming-gateway/edge_process_test.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>

#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "services/streaming-gateway/fixture_test.h"

extern char** environ;

namespace vora::gateway {
namespace {

constexpr char kVarnishd[] = "/usr/sbin/varnishd";

int FreePort() {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  return acceptor.local_endpoint().port();
}

bool Answers(int port) {
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket socket(io);
  boost::system::error_code error;
  socket.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(port)}, error);
  return !error;
}

std::string FillIn(std::string text, const std::string& placeholder, const std::string& value) {
  for (size_t at; (at = text.find(placeholder)) != std::string::npos;) text.replace(at, placeholder.size(), value);
  return text;
}

}  // namespace

bool EdgeProcess::Available() { return ::access(kVarnishd, X_OK) == 0; }

EdgeProcess::EdgeProcess(const std::string& directory, int gateway_port, int metadata_port, int analytics_port)
    : work_(directory + "/varnish"), port_(FreePort()) {
  std::ifstream file(VORA_EDGE_VCL);
  std::stringstream text;
  text << file.rdbuf();
  std::string vcl = text.str();
  for (const char* name : {"@GATEWAY_HOST@", "@METADATA_HOST@", "@ANALYTICS_HOST@"}) vcl = FillIn(vcl, name, "127.0.0.1");
  vcl = FillIn(vcl, "@GATEWAY_PORT@", std::to_string(gateway_port));
  vcl = FillIn(vcl, "@METADATA_PORT@", std::to_string(metadata_port == 0 ? FreePort() : metadata_port));
  vcl = FillIn(vcl, "@ANALYTICS_PORT@", std::to_string(analytics_port == 0 ? FreePort() : analytics_port));
  vcl = FillIn(vcl, "@UPLOAD_PORT@", "8081");
  vcl = FillIn(vcl, "@EDGE_SECRET@", kEdgeSecret);
  const std::string vcl_path = directory + "/edge.vcl", log = directory + "/varnishd.log";
  std::ofstream(vcl_path) << vcl;
  const std::string address = "127.0.0.1:" + std::to_string(port_);
  // Masked as deploy/local/stack.sh does it.
  const char* arguments[] = {kVarnishd, "-F",
                             "-j",      "none",
                             "-n",      work_.c_str(),
                             "-a",      address.c_str(),
                             "-f",      vcl_path.c_str(),
                             "-s",      "malloc,64m",
                             "-p",      "vsl_mask=-ReqURL,-ReqHeader,-ReqUnset,-BereqHeader,-BereqUnset",
                             nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const int failed = ::posix_spawn(&pid_, kVarnishd, &actions, nullptr, const_cast<char**>(arguments), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("varnishd cannot be started");
  // It compiles the VCL first, which takes long where others compile too.
  bool answers = false;
  for (int tries = 0; tries < 6 && !answers; ++tries) answers = Eventually([&] { return Answers(port_); });
  if (!answers) {
    std::ifstream lines(log);
    std::stringstream said;
    said << lines.rdbuf();
    throw std::runtime_error("varnishd does not answer: " + said.str());
  }
}

std::string EdgeProcess::Log() const {
  const std::string command = "varnishlog -d -g raw -n '" + work_ + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string text;
  char buffer[4096];
  for (size_t got; (got = std::fread(buffer, 1, sizeof(buffer), pipe.get())) > 0;) text.append(buffer, got);
  return text;
}

EdgeProcess::~EdgeProcess() {
  ::kill(pid_, SIGTERM);
  int status = 0;
  ::waitpid(pid_, &status, 0);
}

}  // namespace vora::gateway
