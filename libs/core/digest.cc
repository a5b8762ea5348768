#include "libs/core/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zlib.h>

#include <cstdlib>

namespace vora {
namespace {

void Require(int openssl_result) {
  if (openssl_result != 1) std::abort();  // these algorithms cannot fail but by lack of memory
}

class EvpDigest : public Digest {
 public:
  explicit EvpDigest(const EVP_MD* algorithm) : context_(EVP_MD_CTX_new()) { Require(EVP_DigestInit_ex(context_, algorithm, nullptr)); }
  ~EvpDigest() override { EVP_MD_CTX_free(context_); }
  EvpDigest(const EvpDigest&) = delete;
  EvpDigest& operator=(const EvpDigest&) = delete;

  void Update(std::string_view bytes) override { Require(EVP_DigestUpdate(context_, bytes.data(), bytes.size())); }
  std::string Finish() override {
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    Require(EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(out.data()), &size));
    out.resize(size);
    return out;
  }

 private:
  EVP_MD_CTX* context_;
};

class Crc32Digest : public Digest {
 public:
  void Update(std::string_view bytes) override { crc_ = crc32_z(crc_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()); }
  std::string Finish() override {
    std::string out;
    for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>((crc_ >> shift) & 0xff));
    return out;
  }

 private:
  uLong crc_ = crc32_z(0, nullptr, 0);
};

}  // namespace

std::unique_ptr<Digest> Digest::Create(std::string_view algorithm) {
  if (algorithm == "sha1") return std::make_unique<EvpDigest>(EVP_sha1());
  if (algorithm == "sha256") return std::make_unique<EvpDigest>(EVP_sha256());
  if (algorithm == "md5") return std::make_unique<EvpDigest>(EVP_md5());
  if (algorithm == "crc32") return std::make_unique<Crc32Digest>();
  return nullptr;
}

std::string Sha256(std::string_view bytes) {
  std::string out(32, '\0');
  Require(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, EVP_sha256(), nullptr));
  return out;
}

std::string HmacSha256(std::string_view key, std::string_view bytes) {
  std::string out(32, '\0');
  static constexpr char kEmptyKey = 0;  // OpenSSL takes a null key for "the last one"
  const auto* mac =
      HMAC(EVP_sha256(), key.empty() ? &kEmptyKey : key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr);
  Require(mac != nullptr ? 1 : 0);
  return out;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  // The length may be learned by timing: it is no secret, but how many first bytes are right would be.
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace vora
