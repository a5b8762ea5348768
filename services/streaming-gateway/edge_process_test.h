#pragma once

// A real varnishd with the edge's VCL, for the tests of this folder.

#include <memory>
#include <string>

#include "libs/testing/child_process.h"

namespace vora::gateway {

// By which the edge of the tests proves itself.
inline constexpr char kEdgeSecret[] = "the-secret-of-the-edge";

class EdgeProcess {
 public:
  // False: varnishd is not installed.
  static bool Available();
  // Returns when the port answers. Port 0 of a backend: nobody listens there.
  EdgeProcess(const std::string& directory, int gateway_port, int metadata_port, int analytics_port);
  ~EdgeProcess();
  EdgeProcess(const EdgeProcess&) = delete;
  EdgeProcess& operator=(const EdgeProcess&) = delete;
  int port() const { return port_; }
  // All that the log in memory holds.
  std::string Log() const;

 private:
  const std::string work_;
  int port_ = 0;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace vora::gateway
