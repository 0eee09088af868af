// The functions of the OpenSSL inside Node.js, which exports them. They are resolved by dlsym(3),
// so that this addon neither links to a library nor carries one: with an unresolved symbol the
// process would end at its first call. The headers only declare them.
#ifndef EPOLL_SERVER_NATIVE_OPENSSL_H_
#define EPOLL_SERVER_NATIVE_OPENSSL_H_

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace epoll_server {

// Every function that is used, in the order of the alphabet.
#define EPOLL_SERVER_OPENSSL_FUNCTIONS(F) \
  F(BIO_clear_flags)                      \
  F(BIO_free)                             \
  F(BIO_get_data)                         \
  F(BIO_get_new_index)                    \
  F(BIO_meth_new)                         \
  F(BIO_meth_set_create)                  \
  F(BIO_meth_set_ctrl)                    \
  F(BIO_meth_set_read)                    \
  F(BIO_meth_set_write)                   \
  F(BIO_new)                              \
  F(BIO_new_mem_buf)                      \
  F(BIO_set_data)                         \
  F(BIO_set_flags)                        \
  F(BIO_set_init)                         \
  F(CRYPTO_free)                          \
  F(CRYPTO_realloc)                       \
  F(ERR_clear_error)                      \
  F(ERR_peek_last_error)                  \
  F(ERR_reason_error_string)              \
  F(EVP_CIPHER_CTX_ctrl)                  \
  F(EVP_CIPHER_CTX_free)                  \
  F(EVP_CIPHER_CTX_new)                   \
  F(EVP_CipherFinal_ex)                   \
  F(EVP_CipherInit_ex)                    \
  F(EVP_CipherUpdate)                     \
  F(EVP_DecryptInit_ex)                   \
  F(EVP_EncryptInit_ex)                   \
  F(EVP_MAC_CTX_set_params)               \
  F(EVP_PKEY_free)                        \
  F(EVP_aes_128_gcm)                      \
  F(EVP_aes_256_cbc)                      \
  F(EVP_aes_256_gcm)                      \
  F(EVP_chacha20_poly1305)                \
  F(EVP_sha256)                           \
  F(EVP_sha384)                           \
  F(HMAC)                                 \
  F(OPENSSL_cleanse)                      \
  F(OSSL_PARAM_construct_end)             \
  F(OSSL_PARAM_construct_octet_string)    \
  F(OSSL_PARAM_construct_utf8_string)     \
  F(OpenSSL_version)                      \
  F(OpenSSL_version_num)                  \
  F(PEM_read_bio_PrivateKey)              \
  F(PEM_read_bio_X509)                    \
  F(RAND_bytes)                           \
  F(SSL_CIPHER_get_name)                  \
  F(SSL_CIPHER_get_protocol_id)           \
  F(SSL_CTX_add_client_CA)                \
  F(SSL_CTX_check_private_key)            \
  F(SSL_CTX_ctrl)                         \
  F(SSL_CTX_free)                         \
  F(SSL_CTX_get_cert_store)               \
  F(SSL_CTX_new)                          \
  F(SSL_CTX_set_alpn_select_cb)           \
  F(SSL_CTX_set_cipher_list)              \
  F(SSL_CTX_set_ciphersuites)             \
  F(SSL_CTX_set_client_hello_cb)          \
  F(SSL_CTX_set_info_callback)            \
  F(SSL_CTX_set_keylog_callback)          \
  F(SSL_CTX_set_msg_callback)             \
  F(SSL_CTX_set_num_tickets)              \
  F(SSL_CTX_set_options)                  \
  F(SSL_CTX_set_session_id_context)       \
  F(SSL_CTX_set_timeout)                  \
  F(SSL_CTX_set_tlsext_ticket_key_evp_cb) \
  F(SSL_CTX_set_verify)                   \
  F(SSL_CTX_use_PrivateKey)               \
  F(SSL_CTX_use_certificate)              \
  F(SSL_SESSION_get_max_fragment_length)  \
  F(SSL_client_hello_get0_ext)            \
  F(SSL_ctrl)                             \
  F(SSL_do_handshake)                     \
  F(SSL_free)                             \
  F(SSL_get0_alpn_selected)               \
  F(SSL_get1_peer_certificate)            \
  F(SSL_get_current_cipher)               \
  F(SSL_get_error)                        \
  F(SSL_get_ex_data)                      \
  F(SSL_get_session)                      \
  F(SSL_get_state)                        \
  F(SSL_get_verify_mode)                  \
  F(SSL_get_verify_result)                \
  F(SSL_get_version)                      \
  F(SSL_new)                              \
  F(SSL_pending)                          \
  F(SSL_read)                             \
  F(SSL_select_next_proto)                \
  F(SSL_session_reused)                   \
  F(SSL_set_SSL_CTX)                      \
  F(SSL_set_accept_state)                 \
  F(SSL_set_bio)                          \
  F(SSL_set_ex_data)                      \
  F(SSL_set_session_id_context)           \
  F(SSL_set_verify)                       \
  F(SSL_shutdown)                         \
  F(SSL_version)                          \
  F(SSL_write)                            \
  F(TLS_server_method)                    \
  F(X509_STORE_add_cert)                  \
  F(X509_free)                            \
  F(X509_verify_cert_error_string)        \
  F(i2d_X509)

struct OpenSsl {
#define EPOLL_SERVER_DECLARE(name) decltype(&::name) name;
  EPOLL_SERVER_OPENSSL_FUNCTIONS(EPOLL_SERVER_DECLARE)
#undef EPOLL_SERVER_DECLARE
};

// Resolves all functions, once for the process. Returns null when one is missing or the major
// version is not the one of the headers; then `*problem` is a reason in words, else empty.
const OpenSsl* FindOpenSsl(const char** problem);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_OPENSSL_H_
