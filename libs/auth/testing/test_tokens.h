#pragma once

// An authenticator for tests of what is behind it, and tokens that it lets in. Header-only.

#include <gtest/gtest.h>

#include <ctime>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "libs/auth/authenticator.h"
#include "libs/auth/token.h"
#include "libs/testing/status_matchers.h"

namespace vora::auth {

class TestTokens {
 public:
  TestTokens() {
    AuthSettings settings;
    settings.secret = kSecret;
    settings.fleet_secret = kFleetSecret;
    settings.audience = "vora";
    auto opened = Authenticator::Open(settings, metrics_);
    EXPECT_THAT(opened, IsOk());
    authenticator_ = *opened;
  }
  const std::shared_ptr<Authenticator>& authenticator() const { return authenticator_; }
  // The value of `authorization` of a caller of `tenant` with these scopes, separated by spaces.
  static std::string Bearer(const std::string& tenant, const std::string& scopes) {
    const nlohmann::json claims = {
        {"sub", "tester"}, {"aud", "vora"}, {"exp", std::time(nullptr) + 3600}, {"tenant", tenant}, {"scope", scopes}};
    return "Bearer " + SignHs256(claims.dump(), kSecret);
  }
  std::string Fleet() const { return authenticator_->FleetAuthorization(); }

  static constexpr char kSecret[] = "a secret of tests that is long enough";
  static constexpr char kFleetSecret[] = "another secret of tests, as long as that";

 private:
  obs::Metrics metrics_;
  std::shared_ptr<Authenticator> authenticator_;
};

}  // namespace vora::auth
