#pragma once

// A real Varnish with deploy/varnish/default.vcl.in in front of the real gateway.

#include <memory>
#include <string>

#include "libs/testing/status_matchers.h"
#include "services/streaming-gateway/edge_process_test.h"
#include "services/streaming-gateway/fixture_test.h"

namespace vora::gateway {

inline const std::string kBase = std::string("/v/") + kVideo + "/";
inline const std::string kPrefix = std::string("processed/") + kVideo + "/";

class EdgeTest : public GatewayTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(EdgeProcess::Available()) << "varnishd is not installed: apt-get install varnish";
    playback_.Set(MakePresentation("PARTIALLY_READY", 1, false));
    Put(kPrefix + "720p/seg_0.m4s", Pattern(500'000));
    Put(kPrefix + "720p/seg_1.m4s", Pattern(500'000));
  }
  void StartEdge(int metadata_port = 0, int analytics_port = 0) {
    Start();
    edge_ = std::make_unique<EdgeProcess>(directory_.path(), gateway_->port(), metadata_port, analytics_port);
  }
  void StopOrigin() {
    options_.http.listen = "127.0.0.1:" + std::to_string(gateway_->port());
    gateway_.reset();
  }
  http::ClientResponse Edge(const std::string& path, const http::Headers& headers = {}, const std::string& method = "GET",
                            const std::string& body = "") {
    http::Client client;
    http::ClientRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(edge_->port()) + path;
    request.headers = headers;
    request.method = method;
    request.body = body;
    const auto response = client.Do(request);
    EXPECT_THAT(response, IsOk()) << path;
    return response.ok() ? *response : http::ClientResponse{};
  }
  static std::string Cache(const http::ClientResponse& response) { return response.headers.GetOr("X-Cache", ""); }

  std::unique_ptr<EdgeProcess> edge_;
};

}  // namespace vora::gateway
