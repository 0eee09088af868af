// The libFuzzer target of the TLS transport: `npm run fuzz:tls` compiles and runs it. An input says
// what a client does with the wire bytes of a handshake and of the records behind it. The transport
// must refuse what was changed, pass what was not, and never loop; another connection must not
// notice.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "harness.h"
#include "kernel_bench.h"
#include "loopback.h"
#include "raw_records.h"
#include "tls_client.h"

namespace epoll_server::test {

// The harness of the tests records a failure; here it ends the run.
void Fail(const char* file, int line, const std::string& text) {
  std::fprintf(stderr, "%s:%d: %s\n", file, line, text.c_str());
  std::abort();
}

namespace {

// One of so many inputs is followed by a test that another connection still works.
constexpr int kInputsPerEcho = 64;

// Bits of the first byte of an input.
constexpr uint8_t kOlderVersion = 64;
constexpr uint8_t kHasCertificate = 128;

// The bytes of an input, read one after the other; 0 at the end.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  bool empty() const { return left_ == 0; }

  uint8_t Byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }

  size_t Word() {
    const size_t high = Byte();
    return high << 8 | Byte();
  }

  std::string Text(size_t most) {
    const size_t count = std::min(most, left_);
    std::string text(data_, data_ + count);
    data_ += count;
    left_ -= count;
    return text;
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

// A connection to which wire bytes are sent in pieces.
struct Session {
  Session(Bench* bench, TlsKind* kind, size_t piece) : client(bench, kind), piece_bytes(piece) {
    // Each piece arrives at once, though the ones before are not acknowledged.
    const int on = 1;
    setsockopt(client.there, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }

  // Sends wire bytes, and lets the server receive after each piece. Ignores what a server that has
  // ended the connection does not take.
  void Deliver(const std::string& wire) {
    for (size_t at = 0; at < wire.size() && status == -EAGAIN; at += piece_bytes) {
      const std::string piece = wire.substr(at, piece_bytes);
      if (send(client.there, piece.data(), piece.size(), MSG_NOSIGNAL) < 0) return;
      Receive();
    }
  }

  void Receive() {
    if (status != -EAGAIN) return;
    received += client.Receive(&status);
    CHECK(status != -ELOOP);
    CHECK(status == -EAGAIN || status == 0 || status == -ECONNRESET || status == -EPROTO ||
          status == -EPIPE);
  }

  // Continues the handshake with wire bytes that `change` may change. True: the client is done.
  template <typename Change>
  bool Handshake(Change change) {
    for (int flights = 0; flights < 8 && status == -EAGAIN; ++flights) {
      const bool is_over = client.ContinueHandshake();
      Deliver(change(client.TakeWire()));
      if (is_over) return true;
      if (client.ReceiveWire() == 0) return false;
    }
    return false;
  }

  TlsClient client;
  size_t piece_bytes;
  int status = -EAGAIN;
  std::string received;
};

std::string Unchanged(const std::string& wire) { return wire; }

// Changes some bytes of all that the client sends.
class Changes {
 public:
  explicit Changes(Input* input) : input_(*input) {}

  std::string operator()(std::string wire) {
    Input changes = input_;
    while (!changes.empty()) {
      const size_t at = changes.Word();
      const auto bits = static_cast<char>(changes.Byte());
      if (at >= sent_ && at - sent_ < wire.size()) {
        wire[at - sent_] = static_cast<char>(wire[at - sent_] ^ bits);
        is_changed = is_changed || bits != 0;
      }
    }
    sent_ += wire.size();
    return wire;
  }

  bool is_changed = false;

 private:
  const Input& input_;
  size_t sent_ = 0;
};

void SendRaw(Session* session, Input* input) {
  const std::string wire = input->Text(65536);
  const bool is_plain = !wire.empty() && std::isalpha(static_cast<unsigned char>(wire[0])) != 0;
  session->Deliver(wire);
  CHECK(is_plain || session->received.empty());
}

void ChangeHandshake(Session* session, Input* input) {
  Changes changes(input);
  const bool is_over = session->Handshake([&](const std::string& wire) { return changes(wire); });
  const bool is_plain = !session->received.empty();
  // A first byte that is a letter makes the rest plaintext.
  CHECK(!is_plain || changes.is_changed);
  CHECK(is_over || changes.is_changed);
}

// Replaces a part of the ClientHello.
void SpliceHello(Session* session, Input* input) {
  session->client.ContinueHandshake();
  std::string wire = session->client.TakeWire();
  const size_t at = std::min(input->Word(), wire.size());
  const size_t replaced = input->Byte();
  wire.replace(at, replaced, input->Text(65536));
  session->Deliver(wire);
}

void SendBehindHandshake(Session* session, Input* input) {
  CHECK(session->Handshake(Unchanged));
  session->Deliver(input->Text(65536));
  CHECK(session->received.empty());
}

// Messages of the client in whole records, with new keys, closures and changes in between.
void SendRecords(Bench* bench, Session* session, Input* input) {
  CHECK(session->Handshake(Unchanged));
  std::string sent;
  while (!input->empty() && session->status == -EAGAIN) {
    const uint8_t command = input->Byte();
    std::string wire;
    bool is_broken = false;
    switch (command % 6) {
      case 0: {
        const std::string text(input->Word() % 20000 + 1, static_cast<char>(command));
        session->client.Encrypt(text);
        sent += text;
        break;
      }
      case 1:
        OPENSSL_FUNCTION(SSL_key_update)(session->client.ssl(), command % 2);
        session->client.ContinueHandshake();
        break;
      case 2:
        OPENSSL_FUNCTION(SSL_shutdown)(session->client.ssl());
        break;
      case 3:
        session->client.Encrypt("cut");
        is_broken = true;
        break;
      case 4:
        bench->kernel.Send(session->client.here, 0, 0, BytesOf("an answer"), 9);
        break;
      default:
        session->client.ReceiveWire();
        session->client.Decrypt();
    }
    wire = session->client.TakeWire();
    if (is_broken && !wire.empty()) {
      wire.resize(wire.size() - 1 - command % wire.size());
      session->Deliver(wire);
      shutdown(session->client.there, SHUT_WR);
      session->Receive();
      break;
    }
    session->Deliver(wire);
    // After close_notify nothing more can be encrypted.
    if (command % 6 == 2) break;
  }
  CHECK(sent.compare(0, session->received.size(), session->received) == 0);
}

// Content that is authentic, in whole records.
void SendAnyContent(Session* session, Input* input) {
  CHECK(session->Handshake(Unchanged));
  // TLS 1.2 has other records.
  if (session->client.secret().empty()) return;
  RawRecords records(session->client.secret());
  std::string sent;
  while (!input->empty() && session->status == -EAGAIN) {
    const std::string inner = input->Text(input->Word() % 18000);
    session->Deliver(records.Seal(inner));
    const size_t type = inner.find_last_not_of('\0');
    if (type != std::string::npos && inner[type] == 23) sent += inner.substr(0, type);
  }
  CHECK(sent.compare(0, session->received.size(), session->received) == 0);
}

void CheckEcho(Bench* bench, TlsKind* kind) {
  Session session(bench, kind, 65536);
  CHECK(session.Handshake(Unchanged));
  session.client.Encrypt("ping");
  session.Deliver(session.client.TakeWire());
  CHECK(session.received == "ping");
  bench->kernel.Close(session.client.here);
}

void Try(Bench* bench, TlsKind* kind, Input* input) {
  const uint8_t mode = input->Byte();
  Session session(bench, kind, 1 + static_cast<size_t>(input->Byte()) * 16);
  if (mode & kOlderVersion) session.client.SpeakAtMost(TLS1_2_VERSION);
  if (mode & kHasCertificate) session.client.UsePair(OwnPair());
  switch (mode % 6) {
    case 0:
      SendRaw(&session, input);
      break;
    case 1:
      ChangeHandshake(&session, input);
      break;
    case 2:
      SpliceHello(&session, input);
      break;
    case 3:
      SendBehindHandshake(&session, input);
      break;
    case 4:
      SendAnyContent(&session, input);
      break;
    default:
      SendRecords(bench, &session, input);
  }
  // An error is final, and so is the end.
  const int status = session.status;
  if (status != -EAGAIN) {
    const int again = bench->kernel.Recv(session.client.here, 0, kReceiveBytes);
    CHECK(again == status || (again < 0 && again != -EAGAIN));
  }
  bench->kernel.Send(session.client.here, 0, 0, BytesOf("bye"), 3);
  bench->kernel.ShutdownWrite(session.client.here);
  bench->kernel.Close(session.client.here);
}

}  // namespace
}  // namespace epoll_server::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace epoll_server::test;
  if (LoadOpenSsl() == nullptr) {
    std::fputs("the OpenSSL of this system cannot be loaded (libssl.so.3)\n", stderr);
    std::exit(1);
  }
  static const std::unique_ptr<epoll_server::TlsKind> kind = [] {
    epoll_server::TlsEntry entry;
    entry.requests_certificate = true;
    entry.rejects_unauthorized = false;
    return MakeTlsKind(entry);
  }();
  static Bench bench;
  static int inputs = 0;
  Input input(data, size);
  Try(&bench, kind.get(), &input);
  if (++inputs % kInputsPerEcho == 0) CheckEcho(&bench, kind.get());
  return 0;
}
