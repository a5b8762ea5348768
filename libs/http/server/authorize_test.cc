// Who may use a route.

#include "libs/http/testing/test_fixture.h"

namespace vora::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class AuthorizerTest : public ServerTest {
 protected:
  AuthorizerTest() {
    more_routes_ = [this](Server& server) {
      const auto who = [](const Request& request, const std::string& body) {
        return Response::Text(200, request.caller.subject + "@" + request.caller.tenant + " " + body);
      };
      server.RouteSimple("GET", "/open", who);
      server.RouteSimple("GET", "/who", who, Scope::kRead);
      server.RouteSimple("POST", "/who", who, Scope::kWrite);
      server.RouteSimple("*", "/any", who, Scope::kUpload);
      server.Route("PUT", "/secret-hash", HashBody, Scope::kUpload);
      if (!with_authorizer_) return;
      server.SetAuthorizer([](const Credentials& credentials, Scope scope) -> StatusOr<Caller> {
        if (credentials.authorization == "Bearer broken") return Internal("the key store is on fire");
        if (credentials.authorization != "Bearer good") return Unauthenticated("the token is not good");
        if (scope != Scope::kRead) return PermissionDenied("the token lacks scope " + std::string(ScopeName(scope)));
        return Caller{"alice", "acme", {Scope::kRead}};
      });
    };
  }
  std::string Ask(const std::string& method, const std::string& path, const std::string& more = "") {
    return Raw(method + " " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + more + "\r\n");
  }
  bool with_authorizer_ = true;
};

TEST_F(AuthorizerTest, TheCallerReachesTheHandler) {
  Start();
  EXPECT_THAT(Ask("GET", "/who", "Authorization: Bearer good\r\n"), HasSubstr("alice@acme "));
  EXPECT_THAT(Ask("GET", "/open", "Authorization: Bearer good\r\n"), HasSubstr("\r\n\r\n@default ")) << "nobody asked";
}

TEST_F(AuthorizerTest, RefusalsChallenge) {
  Start();
  const std::string none = Ask("GET", "/who");
  EXPECT_THAT(none, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(none, HasSubstr("\r\nWWW-Authenticate: Bearer realm=\"vora\"\r\n")) << "RFC 6750 section 3.1: no error without a token";
  const std::string bad = Ask("GET", "/who", "Authorization: Bearer bad\r\n");
  EXPECT_THAT(bad, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(bad, HasSubstr("\r\nWWW-Authenticate: Bearer realm=\"vora\", error=\"invalid_token\"\r\n"));
  EXPECT_THAT(bad, HasSubstr("\"code\":\"UNAUTHENTICATED\""));
  const std::string scope = Ask("POST", "/who", "Authorization: Bearer good\r\nContent-Length: 0\r\n");
  EXPECT_THAT(scope, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(scope, HasSubstr("\r\nWWW-Authenticate: Bearer realm=\"vora\", error=\"insufficient_scope\", scope=\"write\"\r\n"));
  const std::string fault = Ask("GET", "/who", "Authorization: Bearer broken\r\n");
  EXPECT_THAT(fault, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(fault, Not(HasSubstr("fire")));
}

TEST_F(AuthorizerTest, HeadIsAskedAsGetIs) {
  Start();
  EXPECT_THAT(Ask("HEAD", "/who"), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(Ask("HEAD", "/who", "Authorization: Bearer good\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AuthorizerTest, PreflightsAreNotAsked) {
  Start();
  const std::string preflight = "Origin: https://example.org\r\nAccess-Control-Request-Method: PATCH\r\n";
  EXPECT_THAT(Ask("OPTIONS", "/who", preflight), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(Ask("OPTIONS", "/any", preflight), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Ask("OPTIONS", "/any", "X-HTTP-Method-Override: PATCH\r\n"), StartsWith("HTTP/1.1 401 ")) << "no preflight, but a PATCH";
}

TEST_F(AuthorizerTest, RefusedBeforeTheBodyIsAskedForOrRead) {
  Start();
  const std::string waiting = Raw("PUT /secret-hash HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n");
  EXPECT_THAT(waiting, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(waiting, HasSubstr("\r\nConnection: close\r\n"));
  RawSocket pushing(server_->port());
  pushing.Say("PUT /secret-hash HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n");
  EXPECT_THAT(pushing.HearResponse(), StartsWith("HTTP/1.1 401 ")) << "without waiting for a byte of the body";
  RawSocket small(server_->port());
  small.Say("PUT /secret-hash HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /open HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(small.HearResponse(), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(small.HearResponse(), StartsWith("HTTP/1.1 200 ")) << "a small body is skipped, and the connection goes on";
}

TEST_F(AuthorizerTest, WithoutAnAuthorizerNobodyIsLetIn) {
  with_authorizer_ = false;
  Start();
  EXPECT_THAT(Ask("GET", "/who", "Authorization: Bearer good\r\n"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(Ask("GET", "/open"), StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace vora::http
