// Receives, sends and ends the records of TLS.
#include "tls.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "socket.h"

namespace epoll_server {
namespace {

// Records that one send(2) takes. Each send costs segments of its own, and wakes the client.
constexpr size_t kGatheredRecords = 8;

// The most wire bytes that the socket has not accepted: those of one send, and answers. A record
// adds at most 29 bytes with the default ciphers, so there is room for answers.
constexpr size_t kMaxPendingBytes = kGatheredRecords * (kMaxRecordBytes + 256);

// One receive. A call receives at most twice as much.
constexpr size_t kReceiveBytes = 65792;

// Bytes that one call encrypts: about half a millisecond. A fast client of a large response would
// delay the others.
constexpr size_t kSendBudgetBytes = 1048576;

// Beyond this much pending output no record is read: a client could ask for new keys and never read
// the answers (RFC 8446 section 4.6.3). A record has one short answer, and close_notify may follow.
constexpr size_t kMaxPendingToRead = kMaxPendingBytes - 512;

// A client may ask for new keys in a record of 27 bytes, which costs up to 16 us: one call would
// take 80 ms. BoringSSL ends a connection after as many in a row.
constexpr int kMaxRecordsWithoutBytes = 32;

// Records that one call reads: a client may put each byte, or a request for new keys, into one of
// its own.
constexpr int kRecordsPerCall = 256;

// The first byte of a request line. A record of a ClientHello begins with 22, and that of SSL 2
// with a set bit 7.
bool BeginsRequest(uint8_t byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

}  // namespace

TlsKind::TlsKind(std::shared_ptr<TlsContext> context, std::shared_ptr<TlsShared> shared)
    : context_(std::move(context)),
      shared_(shared == nullptr ? std::make_shared<TlsShared>(context_->openssl())
                                : std::move(shared)) {
  shared_->received.resize(kMaxWireRecordBytes + kReceiveBytes);
  shared_->gathered.resize(kMaxWireRecordBytes);
  shared_->outgoing.resize(kMaxPendingBytes);
}

std::unique_ptr<Transport> TlsKind::Make(int fd, const double& waits, Bytes received) {
  std::unique_ptr<TlsTransport> made(new TlsTransport(fd, waits, context_, shared_));
  return made != nullptr && made->BeginWith(received) ? std::move(made) : nullptr;
}

TlsTransport::TlsTransport(int fd, const double& waits, std::shared_ptr<TlsContext> context,
                           std::shared_ptr<TlsShared> shared)
    : fd_(fd),
      waits_(waits),
      context_(std::move(context)),
      shared_(std::move(shared)),
      openssl_(context_->openssl()),
      unread_(openssl_),
      out_(openssl_),
      decrypted_(openssl_),
      server_name_(openssl_),
      protocol_(openssl_),
      certificate_(openssl_) {}

TlsTransport::~TlsTransport() { openssl_.SSL_free(ssl_); }

int TlsTransport::Fail(int error) { return error_ = error; }

// OpenSSL explains a failure by the errors of this thread, of which Node.js may have left some.
// Most often there is none, which costs less to see than to clear.
void TlsTransport::ClearErrors() const {
  if (openssl_.ERR_peek_last_error() != 0) openssl_.ERR_clear_error();
}

// ---- Receiving ---------------------------------------------------------------------------------

int TlsTransport::Receive(uint8_t* bytes, size_t length) {
  wire_left_ = 2 * kReceiveBytes;
  records_left_ = kRecordsPerCall;
  is_drained_ = is_short_ = is_deferred_ = is_full_ = false;
  size_t filled = 0;
  int status = 1;
  while (filled < length && status > 0) {
    stops_at_short_ = filled > 0;
    status = NextBytes(bytes + filled, length - filled);
    if (status <= 0) break;
    filled += static_cast<size_t>(status);
    // Another pass would cost as much as this one, and find nothing.
    if (filled < length && !holds_input()) status = -EAGAIN;
  }
  // No request came, and so no response takes what the handshake has left.
  if (filled == 0 && status == -EAGAIN) FlushOut();
  if (!KeepUnread()) {
    Fail(-ENOMEM);
    // What was decrypted before is not lost: then the next call returns the error.
    if (filled == 0) status = error_;
  }
  const bool is_over = status > 0 || (filled == 0 && status != -EAGAIN);
  receive_awaits_ = is_over ? 0 : is_full_ ? kWritable : kReadable;
  if (filled > 0 || length == 0) return static_cast<int>(filled);
  if (status == 0) end_reported_ = true;
  return status;
}

// Returns a count, 0 at the end, or -errno.
int TlsTransport::NextBytes(uint8_t* bytes, size_t length) {
  if (error_ != 0) return error_;
  if (peer_ended_) return 0;
  if (mode_ == kUnknown) {
    const int status = Begin();
    if (status <= 0) return status;
  }
  if (mode_ == kHandshaking) {
    const int status = DoHandshake();
    if (status <= 0) return status;
  }
  if (mode_ == kEstablished) return Decrypt(bytes, length);
  const int count = ReadWire(bytes, length);
  if (count == 0) peer_ended_ = true;
  return count < 0 && count != -EAGAIN ? Fail(count) : count;
}

// Chooses the mode by the first byte. Returns 1 when there is one, 0 at the end, or -errno.
int TlsTransport::Begin() {
  const int status = Fill();
  if (status == 0) peer_ended_ = true;
  if (status <= 0) return status < 0 && status != -EAGAIN ? Fail(status) : status;
  if (!BeginsRequest(*unread().data)) return BeginTls();
  mode_ = kPlaintext;
  ++shared_->counters.failures[kFailedPlaintext];
  return 1;
}

int TlsTransport::Decrypt(uint8_t* bytes, size_t length) {
  if (ssl_ == nullptr) {
    const int status = ReadRecords(bytes, length);
    if (status == 0) peer_ended_ = true;
    return status;
  }
  ClearErrors();
  const int wanted = static_cast<int>(std::min(length, kReceiveBytes));
  const int count = openssl_.SSL_read(ssl_, bytes, wanted);
  has_decrypted_ = openssl_.SSL_pending(ssl_) > 0;
  if (count > 0) {
    records_without_bytes_ = 0;
    return count;
  }
  const int error = ErrorOf(count);
  if (error == 0) peer_ended_ = true;
  if (error == 0 || error == -EAGAIN) return error;
  ClearErrors();
  return Fail(error);
}

// Reads records until one has bytes of the application. Returns a count, 0 at the end, or -errno.
int TlsTransport::ReadRecords(uint8_t* bytes, size_t length) {
  while (decrypted_.empty()) {
    Bytes record = {};
    const int found = NextRecord(&record);
    if (found <= 0) return found == 0 ? Fail(-ECONNRESET) : found;
    // The caller gets no padding, and nothing that is not authentic.
    uint8_t* content = shared_->gathered.data();
    size_t count = 0;
    const int opened = records_->Open(record, content, &count);
    Skip(record.length);
    if (opened == kEnd) return 0;
    if (opened == kFatalAlert) return Fail(-EPROTO);
    if (opened < 0) return FailRecords(-opened);
    if (opened == kKeysWanted && !SendKeyUpdate()) return FailRecords(SSL_AD_INTERNAL_ERROR);
    if (opened != kBytes || count == 0) continue;
    records_without_bytes_ = 0;
    const size_t taken = std::min(length, count);
    if (!decrypted_.Append(content + taken, count - taken)) return Fail(-ENOMEM);
    std::memcpy(bytes, content, taken);
    return static_cast<int>(taken);
  }
  const size_t count = std::min(length, decrypted_.size());
  std::memcpy(bytes, decrypted_.data(), count);
  decrypted_.Drop(count);
  return static_cast<int>(count);
}

// Returns 1 with the next whole record, 0 at the end of the socket, or -errno.
int TlsTransport::NextRecord(Bytes* record) {
  int found = 0;
  while (found == 0) {
    const int status = Fill();
    if (status <= 0) return status < 0 && status != -EAGAIN ? Fail(status) : status;
    record->data = unread().data;
    found = TlsRecords::Find(unread(), &record->length);
  }
  // What is left is held for the next call.
  if (records_left_-- == 0) return -EAGAIN;
  if (++records_without_bytes_ > kMaxRecordsWithoutBytes) return Fail(-EPROTO);
  return found < 0 ? FailRecords(-found) : found;
}

// Behind close_notify nothing is sent (RFC 8446 section 6.1).
int TlsTransport::FailRecords(int alert) {
  if (!ended_ && wire_error_ == 0) SendAlert(SSL3_AL_FATAL, alert);
  return Fail(wire_error_ != 0 ? wire_error_ : -EPROTO);
}

void TlsTransport::SendAlert(int level, int description) {
  uint8_t wire[TlsRecords::kControlBytes];
  const size_t size =
      records_->SealAlert(static_cast<uint8_t>(level), static_cast<uint8_t>(description), wire);
  WriteWire(wire, size);
  ClearErrors();
}

bool TlsTransport::SendKeyUpdate() {
  if (ended_) return true;
  uint8_t wire[TlsRecords::kControlBytes];
  const size_t size = records_->SealKeyUpdate(wire);
  return size > 0 && WriteWire(wire, size) >= 0;
}

// The error of a call that returned `result`: 0 at the end, or -errno. The end of the socket
// without the alert close_notify is a reset: what came before may have been cut off.
int TlsTransport::ErrorOf(int result) {
  switch (openssl_.SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
    case SSL_ERROR_WANT_CLIENT_HELLO_CB:
      return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_SYSCALL:
      return wire_error_ != 0 ? wire_error_ : -ECONNRESET;
    default:
      if (wire_error_ != 0) return wire_error_;
      return ERR_GET_REASON(openssl_.ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING
                 ? -ECONNRESET
                 : -EPROTO;
  }
}

// ---- Wire bytes --------------------------------------------------------------------------------

Bytes TlsTransport::unread() const {
  if (!unread_.empty()) return {unread_.data(), unread_.size()};
  return {fresh_, static_cast<size_t>(fresh_end_ - fresh_)};
}

// Whether wire bytes are left that can be used: after the handshake of TLS 1.3 a whole record.
bool TlsTransport::has_unread() const {
  if (mode_ != kEstablished || ssl_ != nullptr) return unread().length > 0;
  size_t size = 0;
  return TlsRecords::Find(unread(), &size) != 0;
}

// Receives wire bytes unless some are left. Returns 1 when there are some, 0 at the end, or -errno.
int TlsTransport::Fill() {
  if (out_.size() > kMaxPendingToRead) {
    is_full_ = true;
    return -EAGAIN;
  }
  return has_unread() ? 1 : ReceiveMore();
}

// Receives wire bytes behind those that are left, a part of a record. Returns as Fill does.
int TlsTransport::ReceiveMore() {
  // After a short count an event shows that there is more, unless the end came with these bytes. A
  // caller that gets some of them asks again after the end; -EAGAIN must be true.
  if (is_drained_ || (is_short_ && stops_at_short_)) return -EAGAIN;
  if (wire_left_ < kReceiveBytes) {
    // This call has done enough; the next wait reports the rest.
    is_short_ = false;
    return -EAGAIN;
  }
  const Bytes left = unread();
  uint8_t* received = shared_->received.data();
  if (left.length > 0) std::memmove(received, left.data, left.length);
  fresh_ = received;
  fresh_end_ = received + left.length;
  unread_.Drop(unread_.size());
  int count = -EINTR;
  while (count == -EINTR) count = RecvNow(fd_, fresh_end_, kReceiveBytes);
  if (count == -EAGAIN) is_drained_ = true;
  if (count <= 0) return count;
  wire_left_ -= kReceiveBytes;
  is_short_ = static_cast<size_t>(count) < kReceiveBytes;
  fresh_end_ += count;
  return 1;
}

int TlsTransport::ReadWire(uint8_t* bytes, size_t length) {
  if (length == 0) return 0;
  const int status = Fill();
  if (status > 0) {
    if (mode_ == kHandshaking && OwesKeyWork() && IsBudgetSpent()) {
      is_deferred_ = true;
      return -EAGAIN;
    }
    const bool is_record = mode_ == kEstablished && length == kRecordHeaderBytes;
    // What is left is held for the next call.
    if (is_record && records_left_-- == 0) return -EAGAIN;
    if (is_record && ++records_without_bytes_ > kMaxRecordsWithoutBytes) {
      return wire_error_ = -EPROTO;
    }
    return static_cast<int>(Take(bytes, length));
  }
  if (status < 0 && status != -EAGAIN) wire_error_ = status;
  return status;
}

size_t TlsTransport::Take(uint8_t* bytes, size_t length) {
  const size_t count = std::min(length, unread().length);
  std::memcpy(bytes, unread().data, count);
  Skip(count);
  return count;
}

void TlsTransport::Skip(size_t count) {
  if (unread_.empty()) {
    fresh_ += count;
  } else {
    unread_.Drop(count);
  }
}

// After this call the shared buffer is that of another connection. False: memory is exhausted.
bool TlsTransport::KeepUnread() {
  const bool is_kept = unread_.Append(fresh_, static_cast<size_t>(fresh_end_ - fresh_));
  fresh_ = fresh_end_ = nullptr;
  return is_kept;
}

bool TlsTransport::holds_input() const {
  if (error_ != 0) return true;
  if (peer_ended_) return !end_reported_;
  if (is_full_) return false;
  return is_deferred_ || !(is_drained_ || is_short_) || has_unread() || has_decrypted_ ||
         !decrypted_.empty();
}

// Sends what the socket accepts, and keeps the rest.
int TlsTransport::WriteWire(const uint8_t* bytes, size_t length) {
  size_t sent = 0;
  while (!holds_output_ && out_.empty() && sent < length) {
    const int count = epoll_server::Send(fd_, bytes + sent, length - sent, more_);
    if (count == -EINTR) continue;
    if (count == -EAGAIN) break;
    if (count < 0) return wire_error_ = count;
    wire_bytes_sent_ += static_cast<uint64_t>(count);
    sent += static_cast<size_t>(count);
  }
  if (!out_.Append(bytes + sent, length - sent)) return wire_error_ = -ENOMEM;
  return static_cast<int>(length);
}

// Returns 0 when the socket has accepted all bytes, else -errno.
int TlsTransport::FlushOut() {
  holds_ticket_ = false;
  while (!out_.empty()) {
    const int count = epoll_server::Send(fd_, out_.data(), out_.size());
    if (count == -EINTR) continue;
    if (count == -EAGAIN) return count;
    if (count < 0) return Fail(count);
    wire_bytes_sent_ += static_cast<uint64_t>(count);
    out_.Drop(static_cast<size_t>(count));
  }
  if (!ended_ || shut_) return 0;
  shut_ = true;
  return epoll_server::ShutdownWrite(fd_);
}

// ---- Sending -----------------------------------------------------------------------------------

int TlsTransport::Send(Bytes first, Bytes second, bool more) {
  if (ended_) return -EPIPE;
  if (mode_ == kPlaintext) return SendPlaintext(first, second);
  size_t counted = 0;
  const int status = SendRecords(first, second, more, &counted);
  send_awaits_ = status == 0 || send_continues_ ? 0 : mode_ == kEstablished ? kWritable : kReadable;
  return status == 0 || counted > 0 ? static_cast<int>(counted) : status;
}

int TlsTransport::SendPlaintext(Bytes first, Bytes second) {
  if (error_ != 0) return error_;
  int count = -EINTR;
  while (count == -EINTR) {
    count = epoll_server::Sendv(fd_, first.data, first.length, second.data, second.length);
  }
  if (count > 0) wire_bytes_sent_ += static_cast<uint64_t>(count);
  const bool is_short = count >= 0 && static_cast<size_t>(count) < first.length + second.length;
  send_awaits_ = is_short || count == -EAGAIN ? kWritable : 0;
  return count;
}

// Returns 0 when all bytes are counted, else -errno.
int TlsTransport::SendRecords(Bytes first, Bytes second, bool more, size_t* counted) {
  const size_t total = first.length + second.length;
  size_t budget = kSendBudgetBytes;
  for (;;) {
    const bool joins = std::exchange(holds_ticket_, false) && total > 0;
    const int status = error_ != 0 || joins ? error_ : FlushOut();
    if (status != 0) return status;
    // The socket has accepted all encrypted bytes.
    const size_t carried = std::min(counted_later_, total - *counted);
    *counted += carried;
    counted_later_ -= carried;
    if (*counted == total) return 0;
    if (mode_ != kEstablished) {
      // The handshake may have become possible; a receive is not bound to come first.
      wire_left_ = 2 * kReceiveBytes;
      is_drained_ = is_deferred_ = stops_at_short_ = false;
      const int begun = mode_ == kUnknown ? Begin() : 1;
      const int done = begun > 0 && mode_ == kHandshaking ? DoHandshake() : begun;
      is_short_ = false;
      if (!KeepUnread()) return Fail(-ENOMEM);
      if (mode_ == kPlaintext) return -EAGAIN;
      if (done <= 0) return done == 0 ? -EAGAIN : done;
      continue;
    }
    if (budget == 0) {
      send_continues_ = true;
      return -EAGAIN;
    }
    const size_t length = std::min({kGatheredRecords * record_bytes_, budget, total - *counted});
    more_ = more || *counted + length < total;
    const int encrypted = Encrypt(first, second, *counted, length);
    more_ = false;
    if (encrypted != 0) return encrypted;
    budget -= length;
    counted_later_ = length;
  }
}

// Encrypts `length` bytes from `from` on, at most kGatheredRecords. Returns 0 or -errno.
int TlsTransport::Encrypt(Bytes first, Bytes second, size_t from, size_t length) {
  if (ssl_ == nullptr) {
    const size_t size =
        records_->Seal(first, second, from, length, record_bytes_, shared_->outgoing.data());
    const int written = size == 0 ? -EPROTO : WriteWire(shared_->outgoing.data(), size);
    return written < 0 ? Fail(written) : 0;
  }
  int status = 0;
  for (size_t at = 0; status == 0 && at < length; at += record_bytes_) {
    status = EncryptRecord(first, second, from + at, std::min(record_bytes_, length - at));
  }
  return status;
}

// Encrypts `length` bytes from `from` on, at most record_bytes_. Returns 0 or -errno.
int TlsTransport::EncryptRecord(Bytes first, Bytes second, size_t from, size_t length) {
  const uint8_t* bytes = second.data + (from - std::min(from, first.length));
  if (from + length <= first.length) {
    bytes = first.data + from;
  } else if (from < first.length) {
    const size_t of_first = first.length - from;
    std::memcpy(shared_->gathered.data(), first.data + from, of_first);
    std::memcpy(shared_->gathered.data() + of_first, second.data, length - of_first);
    bytes = shared_->gathered.data();
  }
  ClearErrors();
  const int written = openssl_.SSL_write(ssl_, bytes, static_cast<int>(length));
  if (written == static_cast<int>(length)) return 0;
  ClearErrors();
  return Fail(wire_error_ != 0 ? wire_error_ : -EPROTO);
}

// ---- The end -----------------------------------------------------------------------------------

int TlsTransport::ShutdownWrite() {
  if (error_ == -EPROTO) BeginDiscarding();
  if (error_ != 0) return error_;
  if (!ended_ && mode_ == kEstablished) {
    ClearErrors();
    if (ssl_ != nullptr) {
      openssl_.SSL_shutdown(ssl_);
    } else {
      SendAlert(SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY);
    }
    ClearErrors();
    if (wire_error_ != 0) return Fail(wire_error_);
  }
  ended_ = true;
  const int status = FlushOut();
  return status == -EAGAIN ? 0 : status;
}

// After an error of TLS only the alert is left to send. Input is received as it is, to be
// discarded: unread bytes at close(2) would make the kernel send RST, which may destroy the alert.
void TlsTransport::BeginDiscarding() {
  mode_ = kDiscarding;
  has_decrypted_ = false;
  decrypted_.Drop(decrypted_.size());
  error_ = 0;
}

// ---- What was negotiated -----------------------------------------------------------------------

NegotiatedTls TlsTransport::Negotiated() const {
  const auto text = [](const ByteQueue& bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  NegotiatedTls negotiated;
  negotiated.version = version_;
  negotiated.cipher = cipher_;
  negotiated.protocol = text(protocol_);
  negotiated.server_name = text(server_name_);
  negotiated.is_resumed = is_resumed_;
  negotiated.certificate = text(certificate_);
  if (verification_ != X509_V_OK) {
    negotiated.verification_error = openssl_.X509_verify_cert_error_string(verification_);
  }
  return negotiated;
}

}  // namespace epoll_server
