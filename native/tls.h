// The transport that encrypts: a TLS server of the OpenSSL inside Node.js. transport.h has its
// contract.
//
// OpenSSL reads and writes through a BIO of this transport. The BIO receives once into a buffer
// that all transports of a kind share, so that a request costs one recv(2), and it accepts all that
// is written: wire bytes that the socket did not accept are kept here.
#ifndef EPOLL_SERVER_NATIVE_TLS_H_
#define EPOLL_SERVER_NATIVE_TLS_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "byte_queue.h"
#include "tls_context.h"
#include "tls_records.h"
#include "transport.h"

namespace epoll_server {

// What the transports of one thread share, also those of a kind and its successors.
struct TlsShared {
  explicit TlsShared(const OpenSsl& openssl) : ciphers(openssl) {}

  RecordCiphers ciphers;
  TlsCounters counters;
  std::vector<uint8_t> received;  // wire bytes of the receive that runs
  std::vector<uint8_t> gathered;  // the bytes of one record
  std::vector<uint8_t> outgoing;  // the wire bytes of several records
  double wait = -1;               // the wait for which this counts:
  int handshake_steps = 0;
};

class TlsTransport final : public Transport, private TlsConnection {
 public:
  // `waits` counts the waits of the kernel: each has a budget of steps of handshakes.
  TlsTransport(int fd, const double& waits, std::shared_ptr<TlsContext> context,
               std::shared_ptr<TlsShared> shared);
  ~TlsTransport() override;

  // `new` returns null when memory is exhausted, and the process does not end.
  static void* operator new(size_t size) noexcept { return std::malloc(size); }
  static void operator delete(void* memory) { std::free(memory); }

  // Begins with wire bytes that were received before. False: memory is exhausted.
  bool BeginWith(Bytes received) { return unread_.Append(received.data, received.length); }

  int Receive(uint8_t* bytes, size_t length) override;
  int Send(Bytes first, Bytes second, bool more) override;
  int ShutdownWrite() override;
  void Flush() override { FlushOut(); }
  bool has_pending_output() const override { return error_ == 0 && !out_.empty(); }
  bool holds_input() const override;
  bool is_deferred() const override { return is_deferred_; }
  uint64_t wire_bytes_sent() const override { return wire_bytes_sent_; }
  bool is_negotiated() const override { return mode_ == kEstablished; }
  NegotiatedTls Negotiated() const override;

  // The operations of the BIO. They return a count, 0 at the end, or -errno.
  int ReadWire(uint8_t* bytes, size_t length);
  int WriteWire(const uint8_t* bytes, size_t length);

 private:
  enum Mode { kUnknown, kHandshaking, kEstablished, kPlaintext, kDiscarding };

  // tls_handshake.cc
  int OnClientHello() override;
  void OnRefusedRenegotiation() override;
  void OnSecret(RecordDirection direction, const uint8_t* secret, size_t length) override;
  void OnRecordSent() override;
  const TlsContext& context() const override { return *context_; }
  int BeginTls();
  int DoHandshake();
  bool Establish();
  size_t NegotiatedRecordBytes() const;
  bool KeepCertificate();
  bool OwesKeyWork() const;
  bool IsBudgetSpent() const;
  int FailHandshake(int error, TlsFailure failure);
  TlsFailure FailureOfLastError() const;

  int NextBytes(uint8_t* bytes, size_t length);
  int Begin();
  int Decrypt(uint8_t* bytes, size_t length);
  int ReadRecords(uint8_t* bytes, size_t length);
  int NextRecord(Bytes* record);
  int FailRecords(int alert);
  void SendAlert(int level, int description);
  bool SendKeyUpdate();
  int ErrorOf(int result);

  Bytes unread() const;
  bool has_unread() const;
  int Fill();
  int ReceiveMore();
  size_t Take(uint8_t* bytes, size_t length);
  void Skip(size_t count);
  bool KeepUnread();

  int SendRecords(Bytes first, Bytes second, bool more, size_t* counted);
  int SendPlaintext(Bytes first, Bytes second);
  int Encrypt(Bytes first, Bytes second, size_t from, size_t length);
  int EncryptRecord(Bytes first, Bytes second, size_t from, size_t length);
  int FlushOut();

  void BeginDiscarding();
  void ClearErrors() const;
  int Fail(int error);

  const int fd_;
  const double& waits_;
  const std::shared_ptr<TlsContext> context_;
  const std::shared_ptr<TlsShared> shared_;
  const OpenSsl& openssl_;
  SSL* ssl_ = nullptr;                     // null before the handshake, and with TLS 1.3 after it
  std::unique_ptr<TlsRecords> records_;    // of TLS 1.3
  size_t record_bytes_ = kMaxRecordBytes;  // the most bytes of the application in one that is sent
  const char* version_ = "";
  const char* cipher_ = "";
  Mode mode_ = kUnknown;
  int error_ = 0;
  int wire_error_ = 0;        // of the socket, within a call of OpenSSL
  uint8_t* fresh_ = nullptr;  // wire bytes in the shared buffer: [fresh_, fresh_end_)
  uint8_t* fresh_end_ = nullptr;
  size_t wire_left_ = 0;           // bytes that this call may still receive
  int records_left_ = 0;           // that this call may still read
  int records_without_bytes_ = 0;  // received since the last bytes of the application
  ByteQueue unread_;               // wire bytes that an earlier call received and did not use
  ByteQueue out_;                  // wire bytes that the socket has not accepted
  ByteQueue decrypted_;            // what is left of the last record
  ByteQueue server_name_;
  ByteQueue protocol_;     // of ALPN
  ByteQueue certificate_;  // of the client, as DER
  long verification_ = X509_V_OK;
  bool is_resumed_ = false;
  size_t counted_later_ = 0;  // bytes in out_ that the caller passes again
  uint64_t wire_bytes_sent_ = 0;
  bool more_ = false;            // more wire bytes follow at once
  bool holds_output_ = false;    // what is written waits for FlushOut
  bool holds_ticket_ = false;    // what the handshake has left goes with the first response
  bool is_drained_ = true;       // the socket has no more bytes, until its next event
  bool is_short_ = false;        // the last receive of this call had a short count
  bool stops_at_short_ = false;  // then nothing more is received
  bool is_greeted_ = false;      // the ClientHello was accepted
  bool takes_step_ = false;      // the handshake has used public keys in this call
  bool is_deferred_ = false;     // the handshake waits for the budget of the next wait
  bool is_full_ = false;         // too much is pending to read more
  bool has_decrypted_ = false;   // OpenSSL has more bytes of the last record
  bool peer_ended_ = false;
  bool end_reported_ = false;
  bool ended_ = false;
  bool shut_ = false;
};

class TlsKind final : public TransportKind {
 public:
  // `shared`: that of the kind before, or null.
  TlsKind(std::shared_ptr<TlsContext> context, std::shared_ptr<TlsShared> shared);
  std::unique_ptr<Transport> Make(int fd, const double& waits, Bytes received) override;
  TlsKind* AsTls() override { return this; }

  TlsContext& context() { return *context_; }
  const std::shared_ptr<TlsShared>& shared() const { return shared_; }

 private:
  const std::shared_ptr<TlsContext> context_;
  const std::shared_ptr<TlsShared> shared_;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_TLS_H_
