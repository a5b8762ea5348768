#pragma once

// Key pairs for tests of tokens. Link `vora_auth_testing`.

#include <memory>
#include <optional>
#include <string>

#include "libs/auth/json_web_key.h"

namespace vora::auth {

class SigningKey {
 public:
  static SigningKey Rsa(const std::string& id, size_t bits = 2048);
  static SigningKey Ec(const std::string& id);
  // A token with these claims (JSON); its header names the key's id, or `header_id`.
  std::string Sign(const std::string& claims, std::optional<std::string> header_id = {}) const;
  std::string PublicJwk() const;
  std::string PrivateJwk() const;
  VerificationKey verifier() const;

 private:
  SigningKey(void* key, std::string algorithm, std::string id);
  std::shared_ptr<void> key_;
  std::string algorithm_, id_;
};

// {"keys":[...]}
std::string JwkSet(std::initializer_list<SigningKey> keys);

}  // namespace vora::auth
