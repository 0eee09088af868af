// The TLS settings of a listener: certificates by server name, protocol versions, ciphers, client
// certificates and ticket keys. Transports share them; only the ticket keys change after Make.
#ifndef EPOLL_SERVER_NATIVE_TLS_CONTEXT_H_
#define EPOLL_SERVER_NATIVE_TLS_CONTEXT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "openssl.h"
#include "tls_records.h"

namespace epoll_server {

// A certificate chain, the certificate of the server first, and its key. Both are PEM, the key
// without a passphrase.
struct TlsPair {
  std::string chain;
  std::string key;
};

// One element of the option `tls`. Several pairs have keys of different types.
struct TlsEntry {
  std::string id;  // the same for the same settings and pairs, whatever their names; empty: unknown
  std::vector<std::string> names;  // in lower case; `*.` in front stands for one label
  std::vector<TlsPair> pairs;
  std::string ca;            // PEM: those that sign client certificates
  std::string ciphers;       // of TLS 1.2; empty: the default
  std::string alpn;          // each name with its length in front
  std::string verification;  // entries with different ones never resume sessions of each other
  int min_version = TLS1_2_VERSION;
  bool requests_certificate = false;
  bool rejects_unauthorized = true;
};

// Ticket keys, the current one first. Tickets of the others are accepted and renewed.
struct TicketKey {
  uint8_t name[16];
  uint8_t cipher[32];
  uint8_t mac[32];
};
using TicketKeys = std::vector<TicketKey>;

// Why a handshake failed: an index into TlsCounters::failures.
enum TlsFailure {
  kFailedVersion = 0,        // no protocol version in common
  kFailedCipher = 1,         // no cipher, group or signature algorithm in common
  kFailedProtocol = 2,       // no protocol of ALPN in common
  kFailedCertificate = 3,    // the client's certificate is missing or not accepted
  kFailedAlert = 4,          // the client ended it with an alert
  kFailedClosed = 5,         // the client closed the connection
  kFailedPlaintext = 6,      // the client speaks plaintext
  kFailedRenegotiation = 7,  // the client wanted to negotiate again; its connection goes on
  kFailedOther = 8,          // not TLS, or broken
  kTlsFailures = 9,
};

// Counters of all transports that were made with settings and their successors.
struct TlsCounters {
  uint64_t handshakes = 0;
  uint64_t resumptions = 0;
  uint64_t failures[kTlsFailures] = {};
};

class TlsContext {
 public:
  // Returns null when an entry cannot be used; then `*problem` is the reason in words. `entries`
  // is not empty; its first entry is the default. Those that `previous` has are shared with it:
  // to prepare one costs up to 2 ms. It may be null.
  static std::shared_ptr<TlsContext> Make(const OpenSsl& openssl, std::vector<TlsEntry> entries,
                                          TicketKeys tickets, const TlsContext* previous,
                                          std::string* problem);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  const OpenSsl& openssl() const { return openssl_; }
  const TicketKeys& tickets() const { return tickets_; }
  void set_tickets(TicketKeys tickets);

  // An SSL with the settings of the default entry, or null.
  SSL* NewSsl() const;

  // Changes `ssl` to the entry for a server name, in lower case. False: memory is exhausted.
  bool Select(SSL* ssl, std::string_view server_name) const;

 private:
  // Has no copy: callbacks of the context keep pointers to the entry.
  struct Prepared {
    explicit Prepared(const OpenSsl& functions) : openssl(functions) {}
    ~Prepared() { openssl.SSL_CTX_free(context); }
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;

    const OpenSsl& openssl;
    TlsEntry entry;  // without its pairs and names
    SSL_CTX* context = nullptr;
  };

  TlsContext(const OpenSsl& openssl, TicketKeys tickets);
  std::shared_ptr<Prepared> Find(const std::string& id) const;
  std::shared_ptr<Prepared> Prepare(TlsEntry entry, std::string* problem) const;
  bool UsePair(SSL_CTX* context, const TlsPair& pair, std::string* problem) const;
  bool TrustClients(SSL_CTX* context, const TlsEntry& entry, std::string* problem) const;
  bool SetProtocol(SSL_CTX* context, const TlsEntry& entry, std::string* problem) const;
  const Prepared& EntryFor(std::string_view server_name) const;
  std::string LastError() const;

  const OpenSsl& openssl_;
  TicketKeys tickets_;
  std::vector<std::shared_ptr<Prepared>> prepared_;
  std::map<std::string, std::shared_ptr<Prepared>, std::less<>> by_id_;
  std::map<std::string, const Prepared*, std::less<>> by_name_;
};

// Writes the server name of a ClientHello (RFC 6066 section 3) to `text`, in lower case. Returns
// the part of `text` that it fills; empty: it has none.
std::string_view ReadServerName(const OpenSsl& openssl, SSL* ssl,
                                char (&text)[TLSEXT_MAXLEN_host_name]);

// The callbacks of OpenSSL that need the transport of a connection. It is the first ex data of the
// SSL, as a TlsConnection.
class TlsConnection {
 public:
  virtual ~TlsConnection() = default;

  // A ClientHello arrived. Returns one of SSL_CLIENT_HELLO_*.
  virtual int OnClientHello() = 0;

  // The client was told that it cannot negotiate again.
  virtual void OnRefusedRenegotiation() = 0;

  // TLS 1.3 has made the secret that protects application data in one direction.
  virtual void OnSecret(RecordDirection direction, const uint8_t* secret, size_t length) = 0;
  // OpenSSL has made a record.
  virtual void OnRecordSent() = 0;

  virtual const TlsContext& context() const = 0;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_TLS_CONTEXT_H_
