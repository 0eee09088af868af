// Makes the contexts of OpenSSL from settings, and has their callbacks.
#include "tls_context.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <utility>

namespace epoll_server {
namespace {

// Forward secrecy and authenticated encryption only, as in Mozilla's intermediate settings without
// DHE. AES-128 first: it costs less than AES-256, which protects no session better here.
constexpr char kCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kCipherSuites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

// OpenSSL before 3.5 lacks the first one, which also resists quantum computers.
constexpr char kGroups[] = "X25519MLKEM768:X25519:P-256:P-384";
constexpr char kClassicGroups[] = "X25519:P-256:P-384";

// Tickets that a client may still use after a rotation of keys.
constexpr long kTicketLifetimeSeconds = 21600;

constexpr int kServerName = TLSEXT_TYPE_server_name;

TlsConnection* ConnectionOf(const OpenSsl& openssl, const SSL* ssl) {
  return static_cast<TlsConnection*>(openssl.SSL_get_ex_data(ssl, 0));
}

// Callbacks have no argument of their own in OpenSSL; there is only one OpenSSL in a process.
const OpenSsl& Functions() {
  const char* problem = nullptr;
  return *FindOpenSsl(&problem);
}

int OnClientHello(SSL* ssl, int*, void*) { return ConnectionOf(Functions(), ssl)->OnClientHello(); }

// A client that wants to negotiate again gets this alert from OpenSSL, and the connection goes on.
void OnInfo(const SSL* ssl, int where, int alert) {
  if (where != SSL_CB_WRITE_ALERT || (alert & 0xff) != SSL_AD_NO_RENEGOTIATION) return;
  ConnectionOf(Functions(), ssl)->OnRefusedRenegotiation();
}

// The value of a hexadecimal digit, or -1.
int DigitOf(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

// A line has a label, the random bytes of the client and the secret, both hexadecimal.
void OnKeyLog(const SSL* ssl, const char* line) {
  constexpr std::string_view kLabels[] = {"CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "};
  for (const RecordDirection direction : {kReceived, kSent}) {
    const std::string_view label = kLabels[direction];
    if (std::strncmp(line, label.data(), label.size()) != 0) continue;
    const char* text = std::strchr(line + label.size(), ' ');
    uint8_t secret[EVP_MAX_MD_SIZE];
    size_t length = 0;
    while (text != nullptr && length < sizeof(secret) && DigitOf(text[1]) >= 0) {
      secret[length++] = static_cast<uint8_t>(DigitOf(text[1]) << 4 | DigitOf(text[2]));
      text += 2;
    }
    ConnectionOf(Functions(), ssl)->OnSecret(direction, secret, length);
    Functions().OPENSSL_cleanse(secret, sizeof(secret));
  }
}

void OnMessage(int is_sent, int, int type, const void*, size_t, SSL* ssl, void*) {
  if (is_sent && type == SSL3_RT_HEADER) ConnectionOf(Functions(), ssl)->OnRecordSent();
}

// The verification goes on, and its result is read after the handshake.
int AcceptAnyCertificate(int, X509_STORE_CTX*) { return 1; }

// Chooses in the order of the server (RFC 7301 section 3.2).
int OnProtocols(SSL*, const unsigned char** chosen, unsigned char* length,
                const unsigned char* offered, unsigned int offered_length, void* entry) {
  const std::string& own = static_cast<const TlsEntry*>(entry)->alpn;
  unsigned char* found = nullptr;
  const int result = Functions().SSL_select_next_proto(
      &found, length, reinterpret_cast<const unsigned char*>(own.data()),
      static_cast<unsigned int>(own.size()), offered, offered_length);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool SetMac(const OpenSsl& openssl, EVP_MAC_CTX* mac, const TicketKey& key) {
  char digest[] = "SHA256";
  uint8_t bytes[sizeof(key.mac)];
  std::memcpy(bytes, key.mac, sizeof(bytes));
  const OSSL_PARAM parameters[] = {
      openssl.OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes, sizeof(bytes)),
      openssl.OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      openssl.OSSL_PARAM_construct_end()};
  const bool is_set = openssl.EVP_MAC_CTX_set_params(mac, parameters) == 1;
  openssl.OPENSSL_cleanse(bytes, sizeof(bytes));
  return is_set;
}

// Encrypts or decrypts a ticket. Returns 1, 2 when the ticket has to be renewed, 0 when its key is
// unknown, or -1 on an error.
int OnTicket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
             EVP_MAC_CTX* mac, int encrypts) {
  const OpenSsl& openssl = Functions();
  const TicketKeys& keys = ConnectionOf(openssl, ssl)->context().tickets();
  if (keys.empty()) return 0;
  if (encrypts) {
    const TicketKey& key = keys.front();
    if (openssl.RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) return -1;
    std::memcpy(name, key.name, sizeof(key.name));
    const bool is_ready = openssl.EVP_EncryptInit_ex(cipher, openssl.EVP_aes_256_cbc(), nullptr,
                                                     key.cipher, iv) == 1 &&
                          SetMac(openssl, mac, key);
    return is_ready ? 1 : -1;
  }
  const auto key = std::find_if(keys.begin(), keys.end(), [name](const TicketKey& each) {
    return std::memcmp(each.name, name, sizeof(each.name)) == 0;
  });
  if (key == keys.end()) return 0;
  const bool is_ready = openssl.EVP_DecryptInit_ex(cipher, openssl.EVP_aes_256_cbc(), nullptr,
                                                   key->cipher, iv) == 1 &&
                        SetMac(openssl, mac, *key);
  if (!is_ready) return -1;
  return key == keys.begin() ? 1 : 2;
}

// Without this callback OpenSSL would ask for a passphrase on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

BIO* TextBio(const OpenSsl& openssl, const std::string& text) {
  return openssl.BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
}

// Calls `use` with each certificate of a PEM text. Returns their number, or -1 when `use` failed.
template <typename Use>
int ForEachCertificate(const OpenSsl& openssl, const std::string& text, Use use) {
  BIO* bio = TextBio(openssl, text);
  if (bio == nullptr) return -1;
  int count = 0;
  while (X509* certificate = openssl.PEM_read_bio_X509(bio, nullptr, NoPassphrase, nullptr)) {
    const bool is_used = use(certificate, count);
    openssl.X509_free(certificate);
    if (!is_used) {
      count = -1;
      break;
    }
    ++count;
  }
  openssl.BIO_free(bio);
  // The end of the text is an error of OpenSSL ("no start line").
  if (count > 0) openssl.ERR_clear_error();
  return count;
}

}  // namespace

TlsContext::TlsContext(const OpenSsl& openssl, TicketKeys tickets)
    : openssl_(openssl), tickets_(std::move(tickets)) {}

TlsContext::~TlsContext() { set_tickets({}); }

void TlsContext::set_tickets(TicketKeys tickets) {
  tickets_.swap(tickets);
  openssl_.OPENSSL_cleanse(tickets.data(), tickets.size() * sizeof(TicketKey));
}

std::shared_ptr<TlsContext> TlsContext::Make(const OpenSsl& openssl, std::vector<TlsEntry> entries,
                                             TicketKeys tickets, const TlsContext* previous,
                                             std::string* problem) {
  std::shared_ptr<TlsContext> made(new TlsContext(openssl, std::move(tickets)));
  openssl.ERR_clear_error();
  bool is_made = !entries.empty();
  for (TlsEntry& entry : entries) {
    const std::vector<std::string> names = std::move(entry.names);
    const std::string id = entry.id;
    std::shared_ptr<Prepared> prepared = previous == nullptr ? nullptr : previous->Find(id);
    if (prepared == nullptr && is_made) prepared = made->Prepare(std::move(entry), problem);
    for (TlsPair& pair : entry.pairs) openssl.OPENSSL_cleanse(&pair.key[0], pair.key.size());
    is_made = is_made && prepared != nullptr;
    if (!is_made) continue;
    for (const std::string& name : names) made->by_name_.emplace(name, prepared.get());
    if (!id.empty()) made->by_id_.emplace(id, prepared);
    made->prepared_.push_back(std::move(prepared));
  }
  openssl.ERR_clear_error();
  return is_made ? made : nullptr;
}

// Null: there is none.
std::shared_ptr<TlsContext::Prepared> TlsContext::Find(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

std::string TlsContext::LastError() const {
  const char* reason = openssl_.ERR_reason_error_string(openssl_.ERR_peek_last_error());
  return reason == nullptr ? "unknown reason" : reason;
}

// Returns null when the entry cannot be used.
std::shared_ptr<TlsContext::Prepared> TlsContext::Prepare(TlsEntry entry,
                                                          std::string* problem) const {
  auto prepared = std::make_shared<Prepared>(openssl_);
  SSL_CTX* context = prepared->context = openssl_.SSL_CTX_new(openssl_.TLS_server_method());
  if (context == nullptr) {
    *problem = "memory is exhausted";
    return nullptr;
  }
  bool is_ready = SetProtocol(context, entry, problem) && TrustClients(context, entry, problem);
  for (TlsPair& pair : entry.pairs) {
    is_ready = is_ready && UsePair(context, pair, problem);
    openssl_.OPENSSL_cleanse(&pair.key[0], pair.key.size());
  }
  entry.pairs.clear();
  prepared->entry = std::move(entry);
  if (!prepared->entry.alpn.empty()) {
    openssl_.SSL_CTX_set_alpn_select_cb(context, OnProtocols, &prepared->entry);
  }
  return is_ready ? prepared : nullptr;
}

bool TlsContext::SetProtocol(SSL_CTX* context, const TlsEntry& entry, std::string* problem) const {
  openssl_.SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                            SSL_OP_CIPHER_SERVER_PREFERENCE |
                                            SSL_OP_PRIORITIZE_CHACHA);
  openssl_.SSL_CTX_ctrl(context, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, nullptr);
  if (openssl_.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, entry.min_version, nullptr) !=
      1) {
    *problem = "the protocol version cannot be used: " + LastError();
    return false;
  }
  openssl_.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, nullptr);
  // A second ticket costs time and serves clients that open several connections at once.
  openssl_.SSL_CTX_set_num_tickets(context, 1);
  openssl_.SSL_CTX_set_timeout(context, kTicketLifetimeSeconds);
  openssl_.SSL_CTX_set_tlsext_ticket_key_evp_cb(context, OnTicket);
  openssl_.SSL_CTX_set_client_hello_cb(context, OnClientHello, nullptr);
  openssl_.SSL_CTX_set_info_callback(context, OnInfo);
  openssl_.SSL_CTX_set_keylog_callback(context, OnKeyLog);
  openssl_.SSL_CTX_set_msg_callback(context, OnMessage);
  const auto set_groups = [&](const char* groups) {
    return openssl_.SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, const_cast<char*>(groups)) ==
           1;
  };
  const char* ciphers = entry.ciphers.empty() ? kCiphers : entry.ciphers.c_str();
  if (!set_groups(kGroups) && !set_groups(kClassicGroups)) {
    *problem = "the groups cannot be used: " + LastError();
  } else if (openssl_.SSL_CTX_set_ciphersuites(context, kCipherSuites) != 1 ||
             openssl_.SSL_CTX_set_cipher_list(context, ciphers) != 1) {
    *problem = "the ciphers cannot be used: " + LastError();
  } else {
    return true;
  }
  return false;
}

bool TlsContext::UsePair(SSL_CTX* context, const TlsPair& pair, std::string* problem) const {
  const int count = ForEachCertificate(openssl_, pair.chain, [&](X509* certificate, int index) {
    if (index == 0) return openssl_.SSL_CTX_use_certificate(context, certificate) == 1;
    return openssl_.SSL_CTX_ctrl(context, SSL_CTRL_CHAIN_CERT, 1, certificate) == 1;
  });
  if (count <= 0) {
    *problem = "the certificate cannot be used: " + LastError();
    return false;
  }
  BIO* bio = TextBio(openssl_, pair.key);
  EVP_PKEY* key = bio == nullptr
                      ? nullptr
                      : openssl_.PEM_read_bio_PrivateKey(bio, nullptr, NoPassphrase, nullptr);
  openssl_.BIO_free(bio);
  const bool is_used = key != nullptr && openssl_.SSL_CTX_use_PrivateKey(context, key) == 1 &&
                       openssl_.SSL_CTX_check_private_key(context) == 1;
  openssl_.EVP_PKEY_free(key);
  if (!is_used) *problem = "the key cannot be used: " + LastError();
  return is_used;
}

bool TlsContext::TrustClients(SSL_CTX* context, const TlsEntry& entry, std::string* problem) const {
  // Sessions of entries that verify clients in other ways must not be resumed (CVE-2025-23419).
  const auto* id = reinterpret_cast<const unsigned char*>(entry.verification.data());
  if (openssl_.SSL_CTX_set_session_id_context(
          context, id, static_cast<unsigned int>(entry.verification.size())) != 1) {
    *problem = "sessions cannot be told apart: " + LastError();
    return false;
  }
  if (!entry.requests_certificate) return true;
  const bool rejects = entry.rejects_unauthorized;
  openssl_.SSL_CTX_set_verify(context,
                              SSL_VERIFY_PEER | (rejects ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                              rejects ? nullptr : AcceptAnyCertificate);
  if (entry.ca.empty()) return true;
  X509_STORE* store = openssl_.SSL_CTX_get_cert_store(context);
  const int count = ForEachCertificate(openssl_, entry.ca, [&](X509* certificate, int) {
    return openssl_.X509_STORE_add_cert(store, certificate) == 1 &&
           openssl_.SSL_CTX_add_client_CA(context, certificate) == 1;
  });
  if (count <= 0) *problem = "ca cannot be used: " + LastError();
  return count > 0;
}

SSL* TlsContext::NewSsl() const { return openssl_.SSL_new(prepared_.front()->context); }

// The exact name first, then the wildcard for its first label (RFC 9525 section 6.3).
const TlsContext::Prepared& TlsContext::EntryFor(std::string_view server_name) const {
  const auto exact = by_name_.find(server_name);
  if (exact != by_name_.end()) return *exact->second;
  const size_t dot = server_name.find('.');
  if (dot == std::string_view::npos || dot == 0) return *prepared_.front();
  // A name has at least one character in front of its dot, in whose place the star fits.
  char text[TLSEXT_MAXLEN_host_name];
  text[0] = '*';
  const size_t size = 1 + server_name.copy(text + 1, sizeof(text) - 1, dot);
  const auto wildcard = by_name_.find(std::string_view(text, size));
  return wildcard == by_name_.end() ? *prepared_.front() : *wildcard->second;
}

// SSL_set_SSL_CTX changes certificates and callbacks alone.
bool TlsContext::Select(SSL* ssl, std::string_view server_name) const {
  const Prepared& prepared = EntryFor(server_name);
  const TlsEntry& entry = prepared.entry;
  if (openssl_.SSL_set_SSL_CTX(ssl, prepared.context) == nullptr) return false;
  const auto* id = reinterpret_cast<const unsigned char*>(entry.verification.data());
  const bool is_set =
      openssl_.SSL_set_session_id_context(
          ssl, id, static_cast<unsigned int>(entry.verification.size())) == 1 &&
      openssl_.SSL_ctrl(ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, entry.min_version, nullptr) == 1;
  if (!is_set) return false;
  const bool rejects = entry.rejects_unauthorized;
  const int mode = !entry.requests_certificate ? SSL_VERIFY_NONE
                   : rejects                   ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                               : SSL_VERIFY_PEER;
  openssl_.SSL_set_verify(ssl, mode, rejects ? nullptr : AcceptAnyCertificate);
  return true;
}

std::string_view ReadServerName(const OpenSsl& openssl, SSL* ssl,
                                char (&text)[TLSEXT_MAXLEN_host_name]) {
  const unsigned char* bytes = nullptr;
  size_t length = 0;
  if (openssl.SSL_client_hello_get0_ext(ssl, kServerName, &bytes, &length) != 1) return {};
  // The length of the list, then for each name its type (0: host name) and length.
  if (length < 5 || bytes[2] != 0) return {};
  const size_t list = static_cast<size_t>(bytes[0]) << 8 | bytes[1];
  const size_t size = static_cast<size_t>(bytes[3]) << 8 | bytes[4];
  if (list + 2 != length || size + 5 > length || size > sizeof(text)) return {};
  for (size_t i = 0; i < size; ++i) {
    const char letter = static_cast<char>(bytes[5 + i]);
    if (letter <= ' ' || letter > '~') return {};
    text[i] = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  const bool ends_with_dot = size > 0 && text[size - 1] == '.';
  return {text, ends_with_dot ? size - 1 : size};
}

}  // namespace epoll_server
