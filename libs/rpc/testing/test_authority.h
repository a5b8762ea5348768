#pragma once

// A certificate authority for tests, and certificates of it as PEM files.

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "libs/rpc/tls.h"

namespace vora::rpc::testing {

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;

struct Leaf {
  std::string names = "IP:127.0.0.1,DNS:localhost";  // subject alternative names
  long begins = -3600, ends = 90 * 86'400;           // seconds from now
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name) : key_(NewKey()), certificate_(X509_new(), &X509_free) {
    Fill(certificate_.get(), name, {.names = "", .begins = -7200, .ends = 365L * 86'400}, key_.get(), certificate_.get());
    Extend(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
    Extend(certificate_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    EXPECT_GT(X509_sign(certificate_.get(), key_.get(), EVP_sha256()), 0);
  }

  // Writes NAME.pem, NAME.key and NAME.ca (the authority's own certificate) into `folder`, each replaced as a whole.
  TlsSettings Issue(const std::filesystem::path& folder, const std::string& name, const Leaf& leaf = {}) const {
    const KeyPtr key = NewKey();
    const CertificatePtr certificate(X509_new(), &X509_free);
    Fill(certificate.get(), name, leaf, key.get(), certificate_.get());
    if (!leaf.names.empty()) Extend(certificate.get(), NID_subject_alt_name, leaf.names.c_str());
    EXPECT_GT(X509_sign(certificate.get(), key_.get(), EVP_sha256()), 0);
    TlsSettings settings;
    settings.certificate = folder / (name + ".pem");
    settings.key = folder / (name + ".key");
    settings.authority = folder / (name + ".ca");
    Replace(settings.key, [&](FILE* file) { return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    Replace(settings.certificate, [&](FILE* file) { return PEM_write_X509(file, certificate.get()); });
    Replace(settings.authority, [&](FILE* file) { return PEM_write_X509(file, certificate_.get()); });
    return settings;
  }

 private:
  static KeyPtr NewKey() { return {EVP_EC_gen("P-256"), &EVP_PKEY_free}; }

  static void Fill(X509* certificate, const std::string& name, const Leaf& leaf, EVP_PKEY* key, X509* issuer) {
    static long serial = 1;
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), leaf.begins);
    X509_gmtime_adj(X509_getm_notAfter(certificate), leaf.ends);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()),
                               -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  }

  static void Extend(X509* certificate, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    ASSERT_NE(extension, nullptr) << value;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  template <typename Write>
  static void Replace(const std::string& path, const Write& write) {
    FILE* file = std::fopen((path + ".new").c_str(), "w");
    ASSERT_NE(file, nullptr) << path;
    EXPECT_EQ(write(file), 1);
    std::fclose(file);
    std::filesystem::rename(path + ".new", path);
  }

  KeyPtr key_;
  CertificatePtr certificate_;
};

}  // namespace vora::rpc::testing
