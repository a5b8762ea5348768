// OpenSSL's EVP contexts cannot be saved. The older SHA256_CTX can, and runs the same assembly (SHA-NI where there is one);
// it is deprecated, not removed, in OpenSSL 3.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#include <openssl/sha.h>

#include <cstring>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"

namespace vora {
namespace {

// Saved form: version byte, h[8] and the total length in bytes (big-endian), then the bytes of the unfinished block.
constexpr char kVersion = 1;
constexpr size_t kHeader = 1 + 8 * 4 + 8;
constexpr uint64_t kMaxLength = UINT64_MAX / 8;

void PutBigEndian(std::string& out, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

uint64_t GetBigEndian(std::string_view in) {
  uint64_t value = 0;
  for (const char c : in) value = (value << 8) | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

struct Sha256State::Impl {
  SHA256_CTX context;
};

Sha256State::Sha256State() : impl_(std::make_unique<Impl>()) { SHA256_Init(&impl_->context); }
Sha256State::Sha256State(const Sha256State& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Sha256State& Sha256State::operator=(const Sha256State& other) {
  *impl_ = *other.impl_;
  return *this;
}
Sha256State::~Sha256State() = default;

void Sha256State::Update(std::string_view bytes) { SHA256_Update(&impl_->context, bytes.data(), bytes.size()); }

std::string Sha256State::Finish() const {
  SHA256_CTX copy = impl_->context;
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  SHA256_Final(reinterpret_cast<unsigned char*>(out.data()), &copy);
  return out;
}

std::string Sha256State::Save() const {
  const SHA256_CTX& context = impl_->context;
  // Our form and not OpenSSL's memory: states are kept in uploads, and are restored by other builds (ADR 1). OpenSSL counts bits.
  std::string raw(1, kVersion);
  for (const SHA_LONG h : context.h) PutBigEndian(raw, h, 4);
  PutBigEndian(raw, ((static_cast<uint64_t>(context.Nh) << 32) | context.Nl) / 8, 8);
  raw.append(reinterpret_cast<const char*>(context.data), context.num);
  return Base64Encode(raw);
}

StatusOr<Sha256State> Sha256State::Restore(std::string_view saved) {
  const auto raw = Base64Decode(saved);
  if (!raw || raw->size() < kHeader || (*raw)[0] != kVersion) return InvalidArgument("not a saved SHA-256 state");
  const std::string_view view(*raw);
  const uint64_t length = GetBigEndian(view.substr(33, 8));
  const std::string_view pending = view.substr(kHeader);
  if (length > kMaxLength || pending.size() != length % SHA256_CBLOCK) {
    return InvalidArgument("not a saved SHA-256 state: its length does not fit its bytes");
  }
  Sha256State state;
  SHA256_CTX& context = state.impl_->context;
  for (size_t i = 0; i < 8; ++i) context.h[i] = static_cast<SHA_LONG>(GetBigEndian(view.substr(1 + i * 4, 4)));
  context.Nl = static_cast<SHA_LONG>((length * 8) & 0xffffffff);
  context.Nh = static_cast<SHA_LONG>((length * 8) >> 32);
  context.num = static_cast<unsigned>(pending.size());
  std::memcpy(context.data, pending.data(), pending.size());
  return state;
}

}  // namespace vora
