#include "services/streaming-gateway/edge_process_test.h"
#include "libs/testing/free_port.h"

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

namespace vora::gateway {
namespace {

constexpr char kVarnishd[] = "/usr/sbin/varnishd";

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
  const std::string vcl_path = directory + "/edge.vcl";
  std::ofstream(vcl_path) << vcl;
  const std::string address = "127.0.0.1:" + std::to_string(port_);
  // Masked as deploy/local/stack.sh does it.
  const std::vector<std::string> arguments = {"-F",
                                              "-j",
                                              "none",
                                              "-n",
                                              work_,
                                              "-a",
                                              address,
                                              "-f",
                                              vcl_path,
                                              "-s",
                                              "malloc,64m",
                                              "-p",
                                              "vsl_mask=-ReqURL,-ReqHeader,-ReqUnset,-BereqHeader,-BereqUnset"};
  process_ = std::make_unique<ChildProcess>(kVarnishd, arguments, std::map<std::string, std::string>{});
  // It compiles the VCL first, which takes long where others compile too.
  if (!Eventually([&] { return Answers(port_); })) {
    throw std::runtime_error("varnishd does not answer: " + process_->out() + process_->err());
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
  process_->Signal(SIGTERM);
  process_->Wait();
}

}  // namespace vora::gateway
