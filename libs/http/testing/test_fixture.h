#pragma once

// The server that the tests of this folder talk to.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include <nlohmann/json.hpp>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/http/client/client.h"
#include "libs/http/server/server.h"
#include "libs/http/testing/test_socket.h"

namespace vora::http {

// Answers the SHA-256 of the body.
inline Task<void> HashBody(Exchange& exchange) {
  auto digest = Digest::Create("sha256");
  std::string buffer(256 << 10, '\0');
  const std::span<char> room(buffer);
  while (true) {
    const StatusOr<size_t> read = co_await exchange.ReadBody(room);
    if (!read.ok()) {
      Response fault = ErrorResponse(read.status());
      co_await exchange.Send(std::move(fault));
      co_return;
    }
    if (*read == 0) break;
    digest->Update({buffer.data(), *read});
  }
  Response answer = Response::Text(200, HexEncode(digest->Finish()));
  co_await exchange.Send(std::move(answer));
}

class ServerTest : public ::testing::Test {
 protected:
  // Routes that need no options of their own.
  void Start(ServerOptions options = {}) {
    server_ = std::make_unique<Server>(options, metrics_);
    server_->RouteSimple("GET", "/hello/{name}", [](const Request& request, const std::string&) {
      return Response::Json(200, nlohmann::json{{"name", request.params.at("name")}, {"q", request.Query("q").value_or("")}}.dump());
    });
    server_->RouteSimple("POST", "/echo", [](const Request&, const std::string& body) { return Response::Text(200, body); });
    server_->RouteSimple("GET", "/trace", [](const Request& request, const std::string&) {
      EXPECT_EQ(obs::CurrentTrace().trace_id, request.trace.trace_id);
      return Response::Text(200, request.trace.trace_id);
    });
    server_->RouteSimple("GET", "/throws", [](const Request&, const std::string&) -> Response { throw std::runtime_error("secret"); });
    server_->Route("PUT", "/hash", HashBody);
    if (more_routes_) more_routes_(*server_);
    ASSERT_EQ(ToText(server_->Start()), "OK");
  }
  std::string Url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(server_->port()) + path; }
  ClientResponse Do(ClientRequest request) {
    request.url = Url(request.url);
    auto response = client_.Do(request);
    EXPECT_EQ(ToText(response.status()), "OK");
    return response.ok() ? *response : ClientResponse{};
  }
  std::string Raw(std::string_view bytes) {
    RawSocket socket(server_->port());
    socket.Say(bytes);
    return socket.HearAll();
  }

  obs::Metrics metrics_;
  std::function<void(Server&)> more_routes_;
  std::unique_ptr<Server> server_;
  Client client_;
};

}  // namespace vora::http
