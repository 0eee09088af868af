// The handshake of TLS: OpenSSL's SSL over a BIO of the transport, until it is established.
#include <pthread.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "tls.h"

namespace epoll_server {
namespace {

// An SSL calls its BIO through these.
int ReadBio(BIO* bio, char* bytes, int length);
int WriteBio(BIO* bio, const char* bytes, int length);
long ControlBio(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const OpenSsl& Functions() {
  const char* problem = nullptr;
  return *FindOpenSsl(&problem);
}

int CreateBio(BIO* bio) {
  Functions().BIO_set_init(bio, 1);
  return 1;
}

// Never freed: an SSL may outlive every other object of this addon.
BIO_METHOD* bio_method = nullptr;
pthread_once_t bio_method_once = PTHREAD_ONCE_INIT;

void MakeBioMethod() {
  const OpenSsl& openssl = Functions();
  const int type = openssl.BIO_get_new_index() | BIO_TYPE_SOURCE_SINK;
  bio_method = openssl.BIO_meth_new(type, "epoll-server");
  if (bio_method == nullptr) return;
  openssl.BIO_meth_set_create(bio_method, CreateBio);
  openssl.BIO_meth_set_ctrl(bio_method, ControlBio);
  openssl.BIO_meth_set_read(bio_method, ReadBio);
  openssl.BIO_meth_set_write(bio_method, WriteBio);
}

int ReadBio(BIO* bio, char* bytes, int length) {
  const OpenSsl& openssl = Functions();
  openssl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  auto* transport = static_cast<TlsTransport*>(openssl.BIO_get_data(bio));
  const int count =
      transport->ReadWire(reinterpret_cast<uint8_t*>(bytes), static_cast<size_t>(length));
  if (count >= 0) return count;
  if (count == -EAGAIN) openssl.BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
  return -1;
}

int WriteBio(BIO* bio, const char* bytes, int length) {
  const OpenSsl& openssl = Functions();
  openssl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  auto* transport = static_cast<TlsTransport*>(openssl.BIO_get_data(bio));
  const int count =
      transport->WriteWire(reinterpret_cast<const uint8_t*>(bytes), static_cast<size_t>(length));
  return count < 0 ? -1 : count;
}

}  // namespace

// OpenSSL takes 10 KiB for a connection: a client that sends nothing costs none.
int TlsTransport::BeginTls() {
  pthread_once(&bio_method_once, MakeBioMethod);
  BIO* bio = bio_method == nullptr ? nullptr : openssl_.BIO_new(bio_method);
  ssl_ = bio == nullptr ? nullptr : context_->NewSsl();
  if (ssl_ == nullptr ||
      openssl_.SSL_set_ex_data(ssl_, 0, static_cast<TlsConnection*>(this)) != 1) {
    openssl_.BIO_free(bio);
    openssl_.ERR_clear_error();
    return FailHandshake(-ENOMEM, kFailedOther);
  }
  openssl_.BIO_set_data(bio, this);
  openssl_.SSL_set_bio(ssl_, bio, bio);
  openssl_.SSL_set_accept_state(ssl_);
  mode_ = kHandshaking;
  return 1;
}

// Returns 1 when the connection is established, else -errno. After the first flight of TLS 1.3 only
// a session ticket is left to send, and one send(2) takes it with the first response.
int TlsTransport::DoHandshake() {
  ClearErrors();
  const bool owes_key_work = OwesKeyWork();
  const OSSL_HANDSHAKE_STATE state = openssl_.SSL_get_state(ssl_);
  takes_step_ = false;
  holds_output_ = wire_bytes_sent_ > 0;
  const int result = openssl_.SSL_do_handshake(ssl_);
  holds_output_ = false;
  // A part of a message costs nothing, and does not change the state.
  takes_step_ = takes_step_ || (owes_key_work && openssl_.SSL_get_state(ssl_) != state);
  if (takes_step_) ++shared_->handshake_steps;
  if (result == 1) {
    const bool is_established = Establish();
    holds_ticket_ = !out_.empty();
    // A certificate that is accepted in spite of an error leaves that error behind.
    openssl_.ERR_clear_error();
    if (!is_established) return FailHandshake(-ENOMEM, kFailedOther);
    // A caller that waits to send has no event of the socket to wait for.
    if (send_awaits_ == kReadable) send_continues_ = true;
    return 1;
  }
  int error = ErrorOf(result);
  const TlsFailure failure = FailureOfLastError();
  // The next flight, or an alert.
  const int flushed = FlushOut();
  if (error == -EAGAIN && flushed != 0) error = flushed;
  if (error == -EAGAIN) return error;
  const int status = FailHandshake(error == 0 ? -ECONNRESET : error, failure);
  ClearErrors();
  return status;
}

// Keeps what was negotiated. TLS 1.3 goes on without the SSL.
bool TlsTransport::Establish() {
  const unsigned char* protocol = nullptr;
  unsigned int length = 0;
  openssl_.SSL_get0_alpn_selected(ssl_, &protocol, &length);
  const SSL_CIPHER* cipher = openssl_.SSL_get_current_cipher(ssl_);
  version_ = openssl_.SSL_get_version(ssl_);
  cipher_ = openssl_.SSL_CIPHER_get_name(cipher);
  is_resumed_ = openssl_.SSL_session_reused(ssl_) == 1;
  record_bytes_ = NegotiatedRecordBytes();
  if (!protocol_.Append(protocol, length) || !KeepCertificate()) return false;
  if (openssl_.SSL_version(ssl_) == TLS1_3_VERSION) {
    if (records_ == nullptr) return false;
    if (!records_->Begin(openssl_.SSL_CIPHER_get_protocol_id(cipher))) return false;
    openssl_.SSL_free(std::exchange(ssl_, nullptr));
  }
  mode_ = kEstablished;
  ++shared_->counters.handshakes;
  if (is_resumed_) ++shared_->counters.resumptions;
  return true;
}

// A client may set a limit, which is 1 for 512 bytes and 4 for 4096 (RFC 6066 section 4).
size_t TlsTransport::NegotiatedRecordBytes() const {
  const int limit = openssl_.SSL_SESSION_get_max_fragment_length(openssl_.SSL_get_session(ssl_));
  const bool is_set =
      limit >= TLSEXT_max_fragment_length_512 && limit <= TLSEXT_max_fragment_length_4096;
  return is_set ? size_t{256} << limit : kMaxRecordBytes;
}

// False: memory is exhausted.
bool TlsTransport::KeepCertificate() {
  X509* certificate = openssl_.SSL_get1_peer_certificate(ssl_);
  if (certificate == nullptr) return true;
  unsigned char* encoded = nullptr;
  const int size = openssl_.i2d_X509(certificate, &encoded);
  openssl_.X509_free(certificate);
  if (size <= 0) return false;
  const bool is_kept = certificate_.Append(encoded, static_cast<size_t>(size));
  openssl_.CRYPTO_free(encoded, "", 0);
  verification_ = openssl_.SSL_get_verify_result(ssl_);
  return is_kept;
}

void TlsTransport::OnSecret(RecordDirection direction, const uint8_t* secret, size_t length) {
  if (records_ == nullptr) records_.reset(new TlsRecords(openssl_, &shared_->ciphers));
  if (records_ != nullptr) records_->SetSecret(direction, secret, length);
}

void TlsTransport::OnRecordSent() {
  if (records_ != nullptr) records_->CountSent();
}

int TlsTransport::FailHandshake(int error, TlsFailure failure) {
  ++shared_->counters.failures[failure];
  return Fail(error);
}

// Whether the next messages of the client make OpenSSL use public keys: they have the key exchange
// of TLS 1.2, or a certificate to verify.
bool TlsTransport::OwesKeyWork() const {
  if (!is_greeted_ || openssl_.SSL_session_reused(ssl_) == 1) return false;
  return openssl_.SSL_version(ssl_) < TLS1_3_VERSION ||
         (openssl_.SSL_get_verify_mode(ssl_) & SSL_VERIFY_PEER) != 0;
}

// Whether this wait has done as many steps as it may.
bool TlsTransport::IsBudgetSpent() const {
  if (shared_->wait != waits_) {
    shared_->wait = waits_;
    shared_->handshake_steps = 0;
  }
  return shared_->handshake_steps >= kHandshakeStepsPerWait;
}

// The signature comes after the ClientHello: this is where a handshake begins to cost.
int TlsTransport::OnClientHello() {
  if (IsBudgetSpent()) {
    is_deferred_ = true;
    return SSL_CLIENT_HELLO_RETRY;
  }
  takes_step_ = true;
  char bytes[TLSEXT_MAXLEN_host_name];
  const std::string_view name = ReadServerName(openssl_, ssl_, bytes);
  // A ClientHello after HelloRetryRequest has the name again.
  server_name_.Drop(server_name_.size());
  const bool is_kept = server_name_.Append(reinterpret_cast<uint8_t*>(bytes), name.size());
  const bool is_selected = is_kept && context_->Select(ssl_, name);
  is_greeted_ = is_selected;
  return is_selected ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

void TlsTransport::OnRefusedRenegotiation() { ++shared_->counters.failures[kFailedRenegotiation]; }

TlsFailure TlsTransport::FailureOfLastError() const {
  const unsigned long error = openssl_.ERR_peek_last_error();
  const int reason = ERR_GET_REASON(error);
  if (error == 0 || wire_error_ != 0) return kFailedClosed;
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_INAPPROPRIATE_FALLBACK:
      return kFailedVersion;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
      return kFailedCipher;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return kFailedProtocol;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return kFailedCertificate;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return kFailedClosed;
    default:
      return reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256 ? kFailedAlert
                                                                                   : kFailedOther;
  }
}

}  // namespace epoll_server
