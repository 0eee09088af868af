// A TLS client of a bench's kernel, whose wire bytes go through memory, so that a test can cut,
// change and withhold them. It uses the OpenSSL of this machine, as the transport does here.
#ifndef EPOLL_SERVER_TEST_NATIVE_TLS_CLIENT_H_
#define EPOLL_SERVER_TEST_NATIVE_TLS_CLIENT_H_

#include <dlfcn.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>

#include "kernel_bench.h"
#include "openssl.h"
#include "tls.h"

namespace epoll_server::test {

// A function of OpenSSL that only tests use.
template <typename Function>
Function* Resolved(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}
#define OPENSSL_FUNCTION(name) (::epoll_server::test::Resolved<decltype(::name)>(#name))

// How many allocations of OpenSSL succeed before one fails; -1: all do. The memory of a ByteQueue
// counts too.
inline int allocations_left = -1;

inline bool AllocationFails() {
  if (allocations_left < 0) return false;
  return allocations_left-- == 0;
}

inline void* Allocate(size_t size, const char*, int) {
  return AllocationFails() ? nullptr : malloc(size);
}

inline void* Reallocate(void* memory, size_t size, const char*, int) {
  return AllocationFails() ? nullptr : realloc(memory, size);
}

inline void Free(void* memory, const char*, int) { free(memory); }

// Loads the OpenSSL of this machine. Null: there is none.
inline const OpenSsl* LoadOpenSsl() {
  static void* const library = [] {
    void* loaded = dlopen("libssl.so.3", RTLD_NOW | RTLD_GLOBAL);
    // Before the first allocation.
    if (loaded != nullptr) OPENSSL_FUNCTION(CRYPTO_set_mem_functions)(Allocate, Reallocate, Free);
    return loaded;
  }();
  const char* problem = nullptr;
  return library == nullptr ? nullptr : FindOpenSsl(&problem);
}

inline std::string FromHex(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

// A certificate for `name` that signs itself, with its key.
inline TlsPair MakePair(const char* name) {
  EVP_PKEY* key = OPENSSL_FUNCTION(EVP_PKEY_Q_keygen)(nullptr, nullptr, "EC", "P-256");
  X509* certificate = OPENSSL_FUNCTION(X509_new)();
  OPENSSL_FUNCTION(X509_set_version)(certificate, 2);
  OPENSSL_FUNCTION(ASN1_INTEGER_set)(OPENSSL_FUNCTION(X509_get_serialNumber)(certificate), 7);
  OPENSSL_FUNCTION(X509_gmtime_adj)(OPENSSL_FUNCTION(X509_getm_notBefore)(certificate), 0);
  OPENSSL_FUNCTION(X509_gmtime_adj)(OPENSSL_FUNCTION(X509_getm_notAfter)(certificate), 86400);
  OPENSSL_FUNCTION(X509_set_pubkey)(certificate, key);
  X509_NAME* subject = OPENSSL_FUNCTION(X509_get_subject_name)(certificate);
  const auto add_entry = OPENSSL_FUNCTION(X509_NAME_add_entry_by_txt);
  const auto* text_of_name = reinterpret_cast<const unsigned char*>(name);
  add_entry(subject, "CN", MBSTRING_ASC, text_of_name, -1, -1, 0);
  OPENSSL_FUNCTION(X509_set_issuer_name)(certificate, subject);
  OPENSSL_FUNCTION(X509_sign)(certificate, key, OPENSSL_FUNCTION(EVP_sha256)());
  const auto text = [](auto write) {
    BIO* bio = OPENSSL_FUNCTION(BIO_new)(OPENSSL_FUNCTION(BIO_s_mem)());
    write(bio);
    char bytes[4096];
    const int count = OPENSSL_FUNCTION(BIO_read)(bio, bytes, sizeof(bytes));
    OPENSSL_FUNCTION(BIO_free)(bio);
    return std::string(bytes, static_cast<size_t>(count));
  };
  const auto write_certificate = OPENSSL_FUNCTION(PEM_write_bio_X509);
  const auto write_key = OPENSSL_FUNCTION(PEM_write_bio_PrivateKey);
  const TlsPair pair = {
      text([&](BIO* bio) { write_certificate(bio, certificate); }),
      text([&](BIO* bio) { write_key(bio, key, nullptr, nullptr, 0, nullptr, nullptr); })};
  OPENSSL_FUNCTION(X509_free)(certificate);
  OPENSSL_FUNCTION(EVP_PKEY_free)(key);
  return pair;
}

// For this machine, made once.
inline const TlsPair& OwnPair() {
  static const TlsPair pair = MakePair("localhost");
  return pair;
}

// A kind with one certificate, and else the settings of `entry`.
inline std::unique_ptr<TlsKind> MakeTlsKind(TlsEntry entry = TlsEntry()) {
  entry.pairs.push_back(OwnPair());
  entry.verification = "test";
  std::string problem;
  std::shared_ptr<TlsContext> context =
      TlsContext::Make(*LoadOpenSsl(), {entry}, TicketKeys(1), nullptr, &problem);
  CHECK_EQ(problem, std::string());
  return std::make_unique<TlsKind>(std::move(context), nullptr);
}

class TlsClient : public Client {
 public:
  // `send_buffer_bytes`: of the server's socket; 0: the system's.
  TlsClient(Bench* bench, TlsKind* kind, int send_buffer_bytes = 0) : Client(bench), bench_(bench) {
    if (send_buffer_bytes > 0) {
      for (const int option : {SO_SNDBUF, SO_RCVBUF}) {
        const int fd = option == SO_SNDBUF ? here : there;
        setsockopt(fd, SOL_SOCKET, option, &send_buffer_bytes, sizeof(send_buffer_bytes));
      }
    }
    CHECK_EQ(bench->kernel.Attach(here, kind), 0);
    CHECK(bench->kernel.Add(here, kBoth) > 0);
    context_ = OPENSSL_FUNCTION(SSL_CTX_new)(OPENSSL_FUNCTION(TLS_client_method)());
    ssl_ = OPENSSL_FUNCTION(SSL_new)(context_);
    in_ = OPENSSL_FUNCTION(BIO_new)(OPENSSL_FUNCTION(BIO_s_mem)());
    out_ = OPENSSL_FUNCTION(BIO_new)(OPENSSL_FUNCTION(BIO_s_mem)());
    OPENSSL_FUNCTION(SSL_set_bio)(ssl_, in_, out_);
    OPENSSL_FUNCTION(SSL_set_connect_state)(ssl_);
    OPENSSL_FUNCTION(SSL_set_ex_data)(ssl_, 0, this);
    OPENSSL_FUNCTION(SSL_CTX_set_keylog_callback)(context_, KeepSecret);
  }

  ~TlsClient() {
    OPENSSL_FUNCTION(SSL_free)(ssl_);
    OPENSSL_FUNCTION(SSL_CTX_free)(context_);
  }

  SSL* ssl() { return ssl_; }

  // Speaks no later version of TLS.
  void SpeakAtMost(int version) {
    OPENSSL_FUNCTION(SSL_ctrl)(ssl_, SSL_CTRL_SET_MAX_PROTO_VERSION, version, nullptr);
  }

  // Sends the certificate of a pair when it is asked for one.
  void UsePair(const TlsPair& pair) {
    const auto bio_of = [](const std::string& text) {
      return OPENSSL_FUNCTION(BIO_new_mem_buf)(text.data(), static_cast<int>(text.size()));
    };
    BIO* chain = bio_of(pair.chain);
    X509* certificate = OPENSSL_FUNCTION(PEM_read_bio_X509)(chain, nullptr, nullptr, nullptr);
    CHECK_EQ(OPENSSL_FUNCTION(SSL_use_certificate)(ssl_, certificate), 1);
    BIO* text = bio_of(pair.key);
    EVP_PKEY* key = OPENSSL_FUNCTION(PEM_read_bio_PrivateKey)(text, nullptr, nullptr, nullptr);
    CHECK_EQ(OPENSSL_FUNCTION(SSL_use_PrivateKey)(ssl_, key), 1);
    OPENSSL_FUNCTION(EVP_PKEY_free)(key);
    OPENSSL_FUNCTION(X509_free)(certificate);
    for (BIO* bio : {chain, text}) OPENSSL_FUNCTION(BIO_free)(bio);
  }

  // After the handshake of TLS 1.3: the secret with which the client encrypts.
  const std::string& secret() const { return secret_; }

  // The wire bytes that the client has made since.
  std::string TakeWire() {
    std::string wire;
    char bytes[4096];
    for (;;) {
      const int count = OPENSSL_FUNCTION(BIO_read)(out_, bytes, sizeof(bytes));
      if (count <= 0) return wire;
      wire.append(bytes, static_cast<size_t>(count));
    }
  }

  // Gives the client what the server has sent. Returns the number of wire bytes, 0 at the end, or
  // -errno.
  int ReceiveWire(size_t most = 65536) {
    std::string bytes(most, '\0');
    const ssize_t count = recv(there, &bytes[0], bytes.size(), MSG_DONTWAIT);
    if (count <= 0) return count == 0 ? 0 : -errno;
    OPENSSL_FUNCTION(BIO_write)(in_, bytes.data(), static_cast<int>(count));
    return static_cast<int>(count);
  }

  // Makes the client's next handshake message. True: the handshake is over.
  bool ContinueHandshake() {
    OPENSSL_FUNCTION(ERR_clear_error)();
    return OPENSSL_FUNCTION(SSL_do_handshake)(ssl_) == 1;
  }

  void Encrypt(const std::string& text) {
    CHECK_EQ(OPENSSL_FUNCTION(SSL_write)(ssl_, text.data(), static_cast<int>(text.size())),
             static_cast<int>(text.size()));
  }

  // Up to `length` decrypted bytes of what was received.
  std::string Decrypt(size_t length = 65536) {
    std::string bytes(length, '\0');
    OPENSSL_FUNCTION(ERR_clear_error)();
    const int count = OPENSSL_FUNCTION(SSL_read)(ssl_, &bytes[0], static_cast<int>(bytes.size()));
    bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return bytes;
  }

  bool HasCloseNotify() {
    return (OPENSSL_FUNCTION(SSL_get_shutdown)(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

  // Receives in the kernel until nothing is left. Returns the bytes; `*status` is the last result.
  std::string Receive(int* status) {
    std::string received;
    for (int calls = 0; calls < 10000; ++calls) {
      bench_->kernel.Wait(0);
      const int count = bench_->kernel.Recv(here, 0, kReceiveBytes);
      *status = count;
      if (count <= 0) {
        // Whatever the transport holds is reported by the next wait.
        if (count == -EAGAIN && bench_->kernel.holds_input()) continue;
        return received;
      }
      received.append(bench_->input.begin(), bench_->input.begin() + count);
    }
    *status = -ELOOP;
    return received;
  }

  // Whether `text` arrives when the kernel sends it.
  bool ReceivesAll(const std::string& text) {
    std::string received;
    size_t sent = 0;
    for (int calls = 0; calls < 10000 && received.size() < text.size(); ++calls) {
      const uint8_t* bytes = BytesOf(text) + sent;
      const int count = bench_->kernel.Send(here, 0, 0, bytes, text.size() - sent);
      if (count > 0) sent += static_cast<size_t>(count);
      bench_->kernel.Wait(0);
      ReceiveWire();
      for (std::string part = Decrypt(); !part.empty(); part = Decrypt()) received += part;
    }
    return received == text;
  }

  // Makes the whole handshake; `piece`: the wire bytes that are sent at a time.
  void Handshake(size_t piece = 65536) {
    for (int rounds = 0; rounds < 100; ++rounds) {
      const bool is_over = ContinueHandshake();
      Deliver(TakeWire(), piece);
      if (is_over) return;
      ReceiveWire();
    }
    CHECK(false);
  }

  // Sends wire bytes piece by piece, each received by the kernel before the next.
  std::string Deliver(const std::string& wire, size_t piece) {
    std::string received;
    for (size_t at = 0; at < wire.size(); at += piece) {
      WriteText(there, wire.substr(at, piece));
      CHECK(BecomesReadable(here));
      int status = 0;
      received += Receive(&status);
      if (status != -EAGAIN) return received;
    }
    return received;
  }

 private:
  static void KeepSecret(const SSL* ssl, const char* line) {
    const std::string text = line;
    if (text.rfind("CLIENT_TRAFFIC_SECRET_0 ", 0) != 0) return;
    auto* client = static_cast<TlsClient*>(OPENSSL_FUNCTION(SSL_get_ex_data)(ssl, 0));
    client->secret_ = FromHex(text.substr(text.rfind(' ') + 1));
  }

  Bench* bench_;
  std::string secret_;
  SSL_CTX* context_;
  SSL* ssl_;
  BIO* in_;   // owned by the SSL
  BIO* out_;  // owned by the SSL
};

}  // namespace epoll_server::test

#endif  // EPOLL_SERVER_TEST_NATIVE_TLS_CLIENT_H_
