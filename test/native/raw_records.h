// Records of TLS 1.3 with any content, as no library would make them. Keys are derived, and records
// encrypted, by other functions of OpenSSL than those of native/tls_records.cc.
#ifndef EPOLL_SERVER_TEST_NATIVE_RAW_RECORDS_H_
#define EPOLL_SERVER_TEST_NATIVE_RAW_RECORDS_H_

#include <openssl/kdf.h>

#include <cstdint>
#include <string>

#include "harness.h"
#include "tls_client.h"

namespace epoll_server::test {

// The sender of TLS_AES_128_GCM_SHA256 with a traffic secret.
class RawRecords {
 public:
  explicit RawRecords(const std::string& secret)
      : key_(Derive(secret, "key", 16)), iv_(Derive(secret, "iv", 12)) {}

  // The record of `inner`: content, its type, and zeros.
  std::string Seal(const std::string& inner) {
    std::string nonce = iv_;
    for (size_t i = 0; i < 8; ++i) {
      nonce[11 - i] = static_cast<char>(nonce[11 - i] ^ static_cast<char>(sequence_ >> (8 * i)));
    }
    ++sequence_;
    const size_t length = inner.size() + 16;
    std::string record = {23, 3, 3, static_cast<char>(length >> 8), static_cast<char>(length)};
    std::string encrypted(length, '\0');
    EVP_CIPHER_CTX* cipher = OPENSSL_FUNCTION(EVP_CIPHER_CTX_new)();
    int count = 0;
    const bool is_sealed =
        OPENSSL_FUNCTION(EVP_EncryptInit_ex)(cipher, OPENSSL_FUNCTION(EVP_aes_128_gcm)(), nullptr,
                                             BytesOf(key_), BytesOf(nonce)) == 1 &&
        OPENSSL_FUNCTION(EVP_EncryptUpdate)(cipher, nullptr, &count, BytesOf(record), 5) == 1 &&
        OPENSSL_FUNCTION(EVP_EncryptUpdate)(cipher, reinterpret_cast<uint8_t*>(&encrypted[0]),
                                            &count, BytesOf(inner),
                                            static_cast<int>(inner.size())) == 1 &&
        OPENSSL_FUNCTION(EVP_EncryptFinal_ex)(
            cipher, reinterpret_cast<uint8_t*>(&encrypted[inner.size()]), &count) == 1 &&
        OPENSSL_FUNCTION(EVP_CIPHER_CTX_ctrl)(cipher, EVP_CTRL_AEAD_GET_TAG, 16,
                                              &encrypted[inner.size()]) == 1;
    OPENSSL_FUNCTION(EVP_CIPHER_CTX_free)(cipher);
    CHECK(is_sealed);
    return record + encrypted;
  }

 private:
  // HKDF-Expand-Label (RFC 8446 section 7.1).
  static std::string Derive(const std::string& secret, const std::string& label, size_t length) {
    const std::string name = "tls13 " + label;
    std::string info = {0, static_cast<char>(length), static_cast<char>(name.size())};
    info += name + '\0';
    std::string key = secret;
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    char digest[] = "SHA256";
    const auto octets = OPENSSL_FUNCTION(OSSL_PARAM_construct_octet_string);
    const OSSL_PARAM parameters[] = {
        OPENSSL_FUNCTION(OSSL_PARAM_construct_int)(OSSL_KDF_PARAM_MODE, &mode),
        OPENSSL_FUNCTION(OSSL_PARAM_construct_utf8_string)(OSSL_KDF_PARAM_DIGEST, digest, 0),
        octets(OSSL_KDF_PARAM_KEY, &key[0], key.size()),
        octets(OSSL_KDF_PARAM_INFO, &info[0], info.size()),
        OPENSSL_FUNCTION(OSSL_PARAM_construct_end)()};
    EVP_KDF* kdf = OPENSSL_FUNCTION(EVP_KDF_fetch)(nullptr, "HKDF", nullptr);
    EVP_KDF_CTX* context = OPENSSL_FUNCTION(EVP_KDF_CTX_new)(kdf);
    std::string derived(length, '\0');
    CHECK_EQ(OPENSSL_FUNCTION(EVP_KDF_derive)(context, reinterpret_cast<uint8_t*>(&derived[0]),
                                              length, parameters),
             1);
    OPENSSL_FUNCTION(EVP_KDF_CTX_free)(context);
    OPENSSL_FUNCTION(EVP_KDF_free)(kdf);
    return derived;
  }

  std::string key_;
  std::string iv_;
  uint64_t sequence_ = 0;
};

}  // namespace epoll_server::test

#endif  // EPOLL_SERVER_TEST_NATIVE_RAW_RECORDS_H_
