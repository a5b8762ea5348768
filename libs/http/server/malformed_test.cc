// Requests that are wrong, and the answer to each.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/http/server/server.h"
#include "libs/http/testing/test_socket.h"
#include "libs/testing/status_matchers.h"

namespace vora::http {
namespace {

using namespace std::string_literals;

class MalformedTest : public ::testing::Test {
 protected:
  MalformedTest() {
    server_.RouteSimple("*", "/echo", [](const Request&, const std::string& body) { return Response::Text(200, body); });
    EXPECT_THAT(server_.Start(), IsOk());
  }
  // The status of the first answer; 0 when the server closed without one.
  int StatusOf(const std::string& bytes) {
    RawSocket socket(server_.port());
    socket.Say(bytes);
    socket.HalfClose();
    const std::string answer = socket.HearAll();
    return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0;
  }
  obs::Metrics metrics_;
  Server server_{{.max_header_bytes = 4096}, metrics_};
};

struct Case {
  const char* what;
  std::string bytes;
  int status;
};

TEST_F(MalformedTest, Table) {
  const std::string post = "POST /echo HTTP/1.1\r\nHost: h\r\n";
  const Case cases[] = {
      {"nothing", "", 0},
      {"only line ends", "\r\n\r\n\r\n", 0},
      {"a line end before a good request", "\r\nGET /echo HTTP/1.1\r\nHost: h\r\n\r\n", 200},
      {"no version", "GET /echo\r\n\r\n", 400},
      {"words", "hello there\r\n\r\n", 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"version 3", "GET /echo HTTP/3.0\r\nHost: h\r\n\r\n", 505},
      {"lower-case version", "GET /echo http/1.1\r\nHost: h\r\n\r\n", 400},
      {"NUL in the method", "GE\0T /echo HTTP/1.1\r\nHost: h\r\n\r\n"s, 400},
      {"NUL in the target", "GET /ec\0ho HTTP/1.1\r\nHost: h\r\n\r\n"s, 400},
      {"NUL in a value", "GET /echo HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"s, 400},
      {"space in the target", "GET /ec ho HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"no Host", "GET /echo HTTP/1.1\r\n\r\n", 400},
      {"no Host in 1.0", "GET /echo HTTP/1.0\r\n\r\n", 200},
      {"a name with a space before the colon", "GET /echo HTTP/1.1\r\nHost : h\r\n\r\n", 400},
      {"a line without a colon", "GET /echo HTTP/1.1\r\nHost: h\r\nnocolon\r\n\r\n", 400},
      {"an empty name", "GET /echo HTTP/1.1\r\nHost: h\r\n: v\r\n\r\n", 400},
      {"bare LF", "GET /echo HTTP/1.1\nHost: h\n\n", 400},
      {"dot segments", "GET /../etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"hidden dot segments", "GET /%2e%2e/x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"broken escape", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"authority form", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"absolute form", "GET http://h/echo HTTP/1.1\r\nHost: h\r\n\r\n", 200},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 404},
      {"negative length", post + "Content-Length: -1\r\n\r\n", 400},
      {"signed length", post + "Content-Length: +1\r\n\r\nx", 400},
      {"length in words", post + "Content-Length: one\r\n\r\n", 400},
      {"length beyond 64 bits", post + "Content-Length: 99999999999999999999\r\n\r\n", 400},
      {"length beyond 63 bits", post + "Content-Length: 18446744073709551615\r\n\r\n", 400},
      {"two lengths", post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400},
      {"length and chunked", post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"chunked and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", 400},
      {"gzip coding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"unknown coding", post + "Transfer-Encoding: xchunked\r\n\r\n", 501},
      {"chunked in 1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"chunk size in words", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n0\r\n\r\n", 400},
      {"chunk size beyond 64 bits", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400},
      {"chunk without its line end", post + "Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n", 400},
      {"endless chunk extension", post + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(300000, 'e'), 400},
      {"body cut off", post + "Content-Length: 10\r\n\r\nabc", 0},
      {"chunks cut off", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nab", 0},
      {"unknown expectation", post + "Expect: miracles\r\nContent-Length: 1\r\n\r\nx", 417},
      {"a header of 5000 bytes", "GET /echo HTTP/1.1\r\nHost: h\r\nX: " + std::string(5000, 'x') + "\r\n\r\n", 431},
      {"an endless header", "GET /echo HTTP/1.1\r\nHost: h\r\nX: " + std::string(200000, 'x'), 431},
      {"an endless target", "GET /" + std::string(200000, 'x'), 431},
      {"a thousand headers",
       [] {
         std::string many = "GET /echo HTTP/1.1\r\nHost: h\r\n";
         for (int i = 0; i < 1000; ++i) many += "X: y\r\n";
         return many + "\r\n";
       }(),
       431},
      {"two equal lengths", post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
      {"a list of lengths", post + "Content-Length: 1, 1\r\n\r\nx", 400},
      {"length in hex", post + "Content-Length: 0x1\r\n\r\nx", 400},
      {"length with a space inside", post + "Content-Length: 1 1\r\n\r\nx", 400},
      {"two codings", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"two codings, one of them hidden", post + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 501},
      {"coding with a space before the colon", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
      {"coding behind a vertical tab",
       post + "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n0\r\n\r\n",
       400},
      {"a length hidden by a fold", post + "X: y\r\n Content-Length: 5\r\n\r\n", 400},
      {"a fold", "GET /echo HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400},
      {"a fold with a tab", "GET /echo HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb\r\n\r\n", 400},
      {"a bare LF between headers", "GET /echo HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
      {"a bare LF at the end", "GET /echo HTTP/1.1\r\nHost: h\r\n\n", 0},
      {"a bare CR in a value", "GET /echo HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400},
      {"a bare CR between headers", "GET /echo HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", 400},
      {"a control character in a value",
       "GET /echo HTTP/1.1\r\nHost: h\r\nX: a\x01"
       "b\r\n\r\n",
       400},
      {"DEL in a value",
       "GET /echo HTTP/1.1\r\nHost: h\r\nX: a\x7f"
       "b\r\n\r\n",
       400},
      {"a control character in the target", "GET /ec\x01ho HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"an escaped CR LF in the target", "GET /echo%0d%0aX:%20y HTTP/1.1\r\nHost: h\r\n\r\n", 404},
      {"two Hosts", "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"a name that is no token", "GET /echo HTTP/1.1\r\nHost: h\r\nX(Y): z\r\n\r\n", 400},
      {"chunk size with a sign", post + "Transfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n", 400},
      {"chunk size with 0x", post + "Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n", 400},
      {"chunk size without digits", post + "Transfer-Encoding: chunked\r\n\r\n\r\nx\r\n0\r\n\r\n", 400},
      {"chunk size that wraps to 1", post + "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n", 400},
      {"chunk head ended by a bare LF", post + "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", 400},
      {"129 headers",
       [] {
         std::string many = "GET /echo HTTP/1.1\r\nHost: h\r\n";
         for (int i = 0; i < 128; ++i) many += "X: y\r\n";
         return many + "\r\n";
       }(),
       431},
      {"head cut off", "GET /echo HTTP/1.1\r\nHos", 0},
      {"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"s, 400},
  };
  for (const Case& c : cases) EXPECT_EQ(StatusOf(c.bytes), c.status) << c.what;
}

// What follows a request of two readings must not be taken for the next one.
TEST_F(MalformedTest, NothingIsReadBehindAnAmbiguousRequest) {
  const std::string next = "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string post = "POST /echo HTTP/1.1\r\nHost: h\r\n";
  for (const std::string& first : {
           post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
           post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
           post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
           post + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
       }) {
    RawSocket socket(server_.port());
    socket.Say(first + next);
    const std::string answers = socket.HearAll();
    EXPECT_TRUE(answers.starts_with("HTTP/1.1 400 ")) << first << answers;
    EXPECT_EQ(answers.find("HTTP/1.1 ", 1), std::string::npos) << first << answers;
    EXPECT_NE(answers.find("\r\nConnection: close\r\n"), std::string::npos) << first << answers;
  }
}

// Every prefix and every single-byte change of a good request must leave the server alive.
TEST_F(MalformedTest, MutationsOfAGoodRequest) {
  const std::string good =
      "POST /echo?a=%41 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (size_t i = 0; i < good.size(); ++i) {
    StatusOf(good.substr(0, i));
    for (const char c : {'\0', '\r', ' ', '\xff', ':'}) {
      std::string bad = good;
      bad[i] = c;
      StatusOf(bad);
    }
  }
  EXPECT_EQ(StatusOf("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
}

}  // namespace
}  // namespace vora::http
