// The records of TLS 1.3 after the handshake (RFC 8446 section 5). An SSL of OpenSSL keeps 20 KiB
// for each connection, and copies what it encrypts twice. Here a connection keeps its keys alone.
// The handshake, which makes the secrets, and all cryptography are those of OpenSSL.
#ifndef EPOLL_SERVER_NATIVE_TLS_RECORDS_H_
#define EPOLL_SERVER_NATIVE_TLS_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "openssl.h"
#include "transport.h"

namespace epoll_server {

// The most bytes of the application in a record (section 5.1), and on the wire (section 5.2).
constexpr size_t kMaxRecordBytes = 16384;
constexpr size_t kRecordHeaderBytes = 5;
constexpr size_t kMaxWireRecordBytes = kRecordHeaderBytes + kMaxRecordBytes + 256;

enum RecordDirection { kReceived = 0, kSent = 1 };

// One direction of a connection.
struct RecordKeys {
  uint8_t secret[EVP_MAX_MD_SIZE];
  size_t secret_length = 0;
  uint8_t key[32];
  uint8_t iv[12];
  uint64_t sequence = 0;
  uint64_t serial = 0;  // differs from that of all other keys of the thread
};

// The contexts of OpenSSL in which the connections of one thread encrypt. A context keeps the keys
// that it had last: to set others takes half as long again as a short record.
class RecordCiphers {
 public:
  explicit RecordCiphers(const OpenSsl& openssl) : openssl_(openssl) {}
  ~RecordCiphers();
  RecordCiphers(const RecordCiphers&) = delete;
  RecordCiphers& operator=(const RecordCiphers&) = delete;

  // A context for the next record of `keys`; null: memory is exhausted. `suite`: an index.
  EVP_CIPHER_CTX* For(int suite, RecordDirection direction, const RecordKeys& keys);
  uint64_t NextSerial() { return ++serials_; }

 private:
  static constexpr int kSuiteCount = 3;
  struct Context {
    EVP_CIPHER_CTX* cipher = nullptr;
    uint64_t serial = 0;  // of its keys; 0: none
  };

  const OpenSsl& openssl_;
  Context contexts_[kSuiteCount][2];
  uint64_t serials_ = 0;
};

// What a record had.
enum RecordContent {
  kBytes = 1,       // of the application, or none
  kNothing = 2,     // for the application, which goes on
  kKeysWanted = 3,  // as above; SealKeyUpdate has to answer
  kEnd = 4,         // close_notify
  kFatalAlert = 5,  // the client has ended the connection
};

// What fails returns an alert for the client (SSL_AD_*) with its sign changed.
class TlsRecords {
 public:
  TlsRecords(const OpenSsl& openssl, RecordCiphers* ciphers)
      : openssl_(openssl), ciphers_(ciphers) {}
  ~TlsRecords();
  TlsRecords(const TlsRecords&) = delete;
  TlsRecords& operator=(const TlsRecords&) = delete;

  // `new` returns null when memory is exhausted, and the process does not end.
  static void* operator new(size_t size) noexcept { return std::malloc(size); }
  static void operator delete(void* memory) { std::free(memory); }

  // During the handshake: the first secret of a direction.
  void SetSecret(RecordDirection direction, const uint8_t* secret, size_t length);
  // During the handshake: OpenSSL has sent a record. With the secret of this direction it is a
  // session ticket, and counts.
  void CountSent();

  // After the handshake. `cipher_suite`: its number (section B.4). False: OpenSSL failed.
  bool Begin(uint32_t cipher_suite);

  // The wire bytes of a record with `length` bytes.
  static constexpr size_t SealedBytes(size_t length) {
    return kRecordHeaderBytes + length + 1 + kTagBytes;
  }
  // The most wire bytes of an alert or a key update.
  static constexpr size_t kControlBytes = kRecordHeaderBytes + 5 + 1 + 16;

  // These write records to `wire` and return their size; 0: OpenSSL failed.
  //
  // `length` bytes from `from` on, of `first` and `second` behind it. `record_bytes`: the most in a
  // record.
  size_t Seal(Bytes first, Bytes second, size_t from, size_t length, size_t record_bytes,
              uint8_t* wire);
  size_t SealAlert(uint8_t level, uint8_t description, uint8_t* wire);
  // Changes the keys of this direction.
  size_t SealKeyUpdate(uint8_t* wire);

  // Looks for a record at the beginning of wire bytes. Returns 1 when it is whole, with its size in
  // `*size`, 0 when more has to come, or an alert.
  static int Find(Bytes wire, size_t* size);

  // Decrypts a whole record. `content` has room for as many bytes; those of the application are at
  // its beginning, `*length` of them. Returns a RecordContent or an alert.
  int Open(Bytes record, uint8_t* content, size_t* length);

 private:
  static constexpr size_t kTagBytes = 16;
  static constexpr size_t kKeyUpdateBytes = 5;

  bool SealRecord(uint8_t type, Bytes first, Bytes second, uint8_t* wire);
  int Decrypt(Bytes record, uint8_t* content);
  int OnHandshake(Bytes content);
  bool Update(RecordDirection direction);
  bool Derive(RecordKeys* keys);
  bool Expand(const RecordKeys& keys, const char* label, uint8_t* bytes, size_t length);

  const OpenSsl& openssl_;
  RecordCiphers* const ciphers_;
  int suite_ = 0;
  RecordKeys keys_[2];
  uint8_t message_[kKeyUpdateBytes];  // [0, message_length_): the part that has come
  size_t message_length_ = 0;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_TLS_RECORDS_H_
