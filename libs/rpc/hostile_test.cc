// Callers that speak no gRPC, or too much of it.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "libs/rpc/client.h"
#include "libs/rpc/server.h"
#include "libs/rpc/status.h"
#include "libs/rpc/testing/echo_service.h"
#include "libs/testing/status_matchers.h"

namespace vora::rpc {
namespace {

using namespace std::string_literals;
using std::chrono::seconds;
using testing::EchoService;

class HostileTest : public ::testing::Test {
 protected:
  HostileTest() {
    auto started = Server::Start({}, {&echo_}, readiness_, metrics_);
    EXPECT_EQ(ToText(started.status()), "OK");
    server_ = std::move(started).value();
    // The client must not refuse by itself what the server is to refuse.
    grpc::ChannelArguments arguments;
    arguments.SetMaxSendMessageSize(-1);
    arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, 1 << 20);
    channel_ = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server_->port()), grpc::InsecureChannelCredentials(), arguments);
  }

  Status Say(const std::string& what, const std::string& metadata = "") {
    grpc::ClientContext context;
    Prepare(context, seconds(20));
    if (!metadata.empty()) context.AddMetadata("x-long", metadata);
    return FromGrpc(EchoService::Say(*channel_, context, what));
  }

  // Says `bytes` on a connection of its own, hangs up, and waits until the server has done so too (20 s at most).
  void Throw(std::string_view bytes) const {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{20, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    shutdown(fd, SHUT_WR);
    char sink[4096];
    ssize_t got = 0;
    do {
      got = recv(fd, sink, sizeof sink, 0);
    } while (got > 0);
    EXPECT_FALSE(got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) << "the server holds on to a connection that says nonsense";
    close(fd);
  }

  Readiness readiness_;
  obs::Metrics metrics_;
  EchoService echo_{[](auto&, const std::string&) { return grpc::Status::OK; }};
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(HostileTest, NoiseDoesNoHarm) {
  std::mt19937 random(7);
  std::string noise(8192, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const std::string settings = "\0\0\0\x04\0\0\0\0\0"s;
  for (const std::string& bytes : {
           noise, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"s, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, preface.substr(0, 10),
           preface + noise, preface + settings + noise,
           preface + settings + "\xff\xff\xff\0\0\0\0\0\1"s,                  // a frame of 16 MiB that never comes
           preface + settings + "\0\0\x08\x06\0\0\0\0\0too short"s,           // a ping cut off
           preface + settings + "\0\0\x04\x01\x04\0\0\0\1\xff\xff\xff\xff"s,  // headers that HPACK cannot read
           preface + settings + "\0\0\x04\x08\0\0\0\0\0\x7f\xff\xff\xff"s,    // a window that overflows
           preface + settings + "\0\0\0\0\0\0\0\0\x02"s,                      // data of a stream that is none of the client's
           preface + settings + "\0\0\x04\x09\x04\0\0\0\1\x82\x82\x82\x82"s,  // a continuation of nothing
       }) {
    Throw(bytes);
    EXPECT_EQ(ToText(Say("still there")), "OK");
  }
}

// The rapid reset of CVE-2023-44487: calls that are cancelled as soon as they are made.
TEST_F(HostileTest, ResetsWithoutEndDoNoHarm) {
  std::string bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"s + "\0\0\0\x04\0\0\0\0\0"s;
  for (uint32_t stream = 1; stream < 20'000; stream += 2) {
    std::string id;
    for (const int shift : {24, 16, 8, 0}) id.push_back(static_cast<char>(stream >> shift));
    bytes += "\0\0\x03\x01\x04"s + id + "\x83\x86\x84"s;  // HEADERS: POST http /
    bytes += "\0\0\x04\x03\0"s + id + "\0\0\0\x08"s;      // RST_STREAM: cancel
  }
  Throw(bytes);
  EXPECT_EQ(ToText(Say("still there")), "OK");
}

TEST_F(HostileTest, MalformedMessagesAreRefused) {
  grpc::GenericStub stub(channel_);
  for (const std::string& bytes : {"\xff\xff\xff"s, "\x0a\xff\xff\xff\xff\x0f"s, "\x0a\x02\xff\xfe"s, "\x0b\x0b\x0b\x0b"s}) {
    grpc::ClientContext context;
    Prepare(context, seconds(20));
    grpc::CompletionQueue queue;
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::Status status;
    const auto call = stub.PrepareUnaryCall(&context, testing::kSayMethod, request, &queue);
    call->StartCall();
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL) << status.error_message();
    queue.Shutdown();
  }
  EXPECT_EQ(ToText(Say("still there")), "OK");
}

TEST_F(HostileTest, TooMuchIsRefused) {
  EXPECT_EQ(ToText(Say("x", std::string(8 << 10, 'm'))), "OK") << "a token with many claims";
  EXPECT_THAT(Say(std::string((4 << 20) + 1, 'x')), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(Say("x", std::string(64 << 10, 'm')), StatusIs(StatusCode::kResourceExhausted));
  // The server may have cut the connection over this.
  Status again = Unavailable("not asked");
  for (int i = 0; i < 20 && again.code() == StatusCode::kUnavailable; ++i) again = Say("still there");
  EXPECT_EQ(ToText(again), "OK");
}

}  // namespace
}  // namespace vora::rpc
