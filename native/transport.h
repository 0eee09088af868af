// A transport encodes the application's bytes for the wire and decodes them, between a socket and
// the calls of Kernel. A Connection without a transport uses its socket directly.
//
// What the kernel may rely on (test/native/transport_test.cc has a test for each sentence, and
// test/transport/ runs the contract of the kernel and HTTP over one):
//  1. No call blocks, not even on a blocking descriptor, or is interrupted (EINTR is retried), and
//     each does a bounded amount of work.
//  2. After -EAGAIN or a short count the caller waits for an event, as sentence 2 of poller.h says,
//     whatever is held inside. Either the next call also returns -EAGAIN until the socket has the
//     readiness in receive_awaits_ or send_awaits_. A receive may wait for WRITABLE, a send for
//     READABLE. Or holds_input is true, Receive would return something else, and the kernel makes
//     the event; Receive may then return -EAGAIN once more. Or send_continues is true, and the
//     kernel makes the event for the sender. After the end or an error no event follows. While
//     is_deferred is true, the events of others that were deferred before come first.
//  3. Send counts a byte when the socket has accepted all wire bytes that carry it. A caller passes
//     uncounted bytes again, unchanged, before any others; they are encoded once. Wire bytes that
//     the socket did not accept are therefore pending output.
//  4. Pending output that no caller waits for (has_pending_output) is sent by Flush when the socket
//     has room.
//  5. The end of the stream within a unit of the wire is -ECONNRESET, never 0. An error is final:
//     later calls return it too, and the connection ends as with RST. TLS alone lets ShutdownWrite
//     follow -EPROTO, to send its alert; what is received afterwards is wire bytes.
//  6. ShutdownWrite sends the transport's end-of-stream message, then FIN. What the socket does not
//     accept of it is pending output.
//  7. A transport is destroyed once, when its descriptor is closed, and never closes that
//     descriptor.
#ifndef EPOLL_SERVER_NATIVE_TRANSPORT_H_
#define EPOLL_SERVER_NATIVE_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "poller.h"

namespace epoll_server {

// Steps of handshakes that use public keys: each costs 0.1 to 1 ms. More in one wait would delay
// the other clients, and with one alone each step would pay for a whole turn.
constexpr int kHandshakeStepsPerWait = 2;

// Bytes to send; null when there are none.
struct Bytes {
  const uint8_t* data;
  size_t length;
};

// The result of a handshake of TLS.
struct NegotiatedTls {
  std::string version;
  std::string cipher;
  std::string protocol;            // of ALPN; empty: none
  std::string server_name;         // empty: none
  std::string certificate;         // of the peer, as DER; empty: none
  std::string verification_error;  // of that certificate; empty: it was accepted
  bool is_resumed = false;
};

class Transport {
 public:
  Transport() = default;
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Returns the bytes received, 0 at the peer's end, or -errno.
  virtual int Receive(uint8_t* bytes, size_t length) = 0;

  // Sends `first` and `second` behind it. Returns the bytes counted of both together, or -errno.
  // `more`: more follows at once.
  virtual int Send(Bytes first, Bytes second, bool more) = 0;

  // Returns 0 or -errno.
  virtual int ShutdownWrite() = 0;

  // Sends pending output, as far as the socket accepts it. Errors are left for the calls above.
  virtual void Flush() = 0;
  virtual bool has_pending_output() const = 0;

  // Whether Receive would return a result other than -EAGAIN without an event of the socket.
  virtual bool holds_input() const = 0;

  // Whether the last call stopped before a step of a handshake, because the wait had done enough.
  virtual bool is_deferred() const { return false; }

  // Wire bytes that the socket has accepted so far, to be compared with SIOCOUTQ.
  virtual uint64_t wire_bytes_sent() const = 0;

  // False: the connection is not encrypted, or not yet.
  virtual bool is_negotiated() const { return false; }
  // Only while is_negotiated().
  virtual NegotiatedTls Negotiated() const { return {}; }

  // Converts the readiness of the socket to that of the caller. In the directions returned, the
  // caller makes the next call.
  int32_t Report(int32_t readiness) {
    if (has_pending_output() && (readiness & kWritable)) Flush();
    int32_t reported = readiness;
    const bool can_receive = receive_awaits_ != 0 && holds_input();
    if (can_receive || (readiness & receive_awaits_)) reported |= kReadable;
    if (send_continues_ || (readiness & send_awaits_)) reported |= kWritable;
    if (reported & kReadable) receive_awaits_ = 0;
    if (reported & kWritable) send_awaits_ = 0;
    send_continues_ = false;
    return reported;
  }

  // The readiness of the socket that a receive, a send or pending output waits for.
  int32_t awaits() const {
    return receive_awaits_ | send_awaits_ | (has_pending_output() ? kWritable : 0);
  }

  // Whether the caller waits for an event before it receives.
  bool receive_waits() const { return receive_awaits_ != 0; }

  // Whether the last send stopped although the socket had room: the next wait reports WRITABLE.
  bool send_continues() const { return send_continues_; }

 protected:
  // The readiness of the socket that the last call waits for; 0: it does not wait.
  int32_t receive_awaits_ = kReadable;
  int32_t send_awaits_ = 0;
  bool send_continues_ = false;
};

class TlsKind;

// Makes the transports of one kind, each with the settings of that kind.
class TransportKind {
 public:
  TransportKind() = default;
  virtual ~TransportKind() = default;
  TransportKind(const TransportKind&) = delete;
  TransportKind& operator=(const TransportKind&) = delete;

  // Returns a transport over the socket `fd`, or null when memory is exhausted. `waits` counts the
  // waits of the kernel; it lives longer than the transport. `received`: its first wire bytes,
  // which were received before.
  virtual std::unique_ptr<Transport> Make(int fd, const double& waits, Bytes received) = 0;

  // Null: it is another kind.
  virtual TlsKind* AsTls() { return nullptr; }
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_TRANSPORT_H_
