#include "libs/rpc/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>

#include <absl/time/time.h>

namespace vora::rpc {
namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

StatusOr<std::string> Read(const char* setting, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open()) return InvalidArgument(std::string(setting) + "=" + path + ": cannot be read: " + std::strerror(errno));
  return text;
}

Bio Over(const std::string& pem) { return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free}; }

StatusOr<Certificate> ParseCertificate(const char* setting, const std::string& path, const std::string& pem) {
  // OpenSSL queues errors by thread: one left from before would be taken for ours, one left by us for that of the next handshake.
  ERR_clear_error();
  Certificate certificate(PEM_read_bio_X509(Over(pem).get(), nullptr, nullptr, nullptr), &X509_free);
  if (!certificate) {
    return InvalidArgument(std::string(setting) + "=" + path + ": holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
  }
  return certificate;
}

// An encrypted key must fail instead of asking the terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

SystemTime ExpiryOf(const X509& certificate) {
  std::tm utc{};
  ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &utc);
  return absl::ToChronoTime(absl::FromTM(utc, absl::UTCTimeZone()));
}

}  // namespace

StatusOr<TlsFiles> ReadTlsFiles(const TlsSettings& settings, SystemTime now) {
  TlsFiles files;
  VORA_ASSIGN_OR_RETURN(files.certificate, Read("VORA_TLS_CERT", settings.certificate));
  VORA_ASSIGN_OR_RETURN(files.key, Read("VORA_TLS_KEY", settings.key));
  VORA_ASSIGN_OR_RETURN(files.authority, Read("VORA_TLS_CA", settings.authority));
  VORA_ASSIGN_OR_RETURN(const Certificate certificate, ParseCertificate("VORA_TLS_CERT", settings.certificate, files.certificate));
  VORA_RETURN_IF_ERROR(ParseCertificate("VORA_TLS_CA", settings.authority, files.authority).status());
  const Key key(PEM_read_bio_PrivateKey(Over(files.key).get(), nullptr, &NoPassphrase, nullptr), &EVP_PKEY_free);
  ERR_clear_error();
  if (!key) return InvalidArgument("VORA_TLS_KEY=" + settings.key + ": holds no private key in PEM form without a passphrase");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return InvalidArgument("VORA_TLS_KEY=" + settings.key + ": is not the key of the certificate VORA_TLS_CERT=" + settings.certificate);
  }
  files.expiry = ExpiryOf(*certificate);
  if (files.expiry <= now) {
    return InvalidArgument("VORA_TLS_CERT=" + settings.certificate + ": the certificate expired at " + FormatRfc3339(files.expiry));
  }
  return files;
}

}  // namespace vora::rpc
