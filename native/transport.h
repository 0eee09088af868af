// What may stand between a descriptor's socket and the calls of the kernel above: it turns bytes of
// the application into bytes of the wire and back. Its Connection has none when the socket itself
// is spoken. It must not know about JavaScript, back ends or HTTP.
//
// What the kernel may rely on (test/native/transport_test.cc has a test for each sentence, and
// test/transport/ runs the contract of the kernel and HTTP over one):
//  1. No call blocks, not even on a blocking descriptor, or is interrupted (EINTR is retried), and
//     each does a bounded amount of work.
//  2. After -EAGAIN or a short count the caller waits for an event, as sentence 2 of poller.h says,
//     whatever is held inside. Either the next call would be -EAGAIN too until the socket is ready
//     as the call says in receive_awaits_ or send_awaits_: a receive may wait for WRITABLE, a send
//     for READABLE. Or holds_input says that Receive would not, and the kernel makes the event.
//     After the end or an error nothing is waited for.
//  3. Send counts a byte when the socket has taken all bytes of the wire that carry it. A caller
//     gives bytes that were not counted again, the same ones, before any others; they are encoded
//     once. Bytes of the wire that the socket did not take are therefore owed like any output.
//  4. What is owed without a caller that waits (owes) is sent by Flush when the socket has room.
//  5. The end of the stream within a unit of the wire is -ECONNRESET, never 0. An error is final:
//     later calls return it too, and the connection ends as with RST.
//  6. ShutdownWrite sends what tells the peer the end, then FIN. What the socket does not take of
//     it is owed.
//  7. It is destroyed once, when its descriptor is closed, and it never closes that descriptor.
#ifndef EPOLL_SERVER_NATIVE_TRANSPORT_H_
#define EPOLL_SERVER_NATIVE_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "poller.h"

namespace epoll_server {

// Bytes to send; null when there are none.
struct Bytes {
  const uint8_t* data;
  size_t length;
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

  // Sends what is owed, as far as the socket takes it. Errors are left for the calls above.
  virtual void Flush() = 0;
  virtual bool owes() const = 0;

  // Whether Receive would return something else than -EAGAIN without an event of the socket.
  virtual bool holds_input() const = 0;

  // Bytes of the wire that the socket took so far: what SIOCOUTQ is compared with.
  virtual uint64_t wire_bytes_sent() const = 0;

  // The socket has that readiness. Returns what the caller can do now: it is the caller's turn in
  // the directions that are reported.
  int32_t Report(int32_t readiness) {
    if (owes() && (readiness & kWritable)) Flush();
    int32_t reported = readiness;
    const bool can_receive = receive_awaits_ != 0 && holds_input();
    if (can_receive || (readiness & receive_awaits_)) reported |= kReadable;
    if (readiness & send_awaits_) reported |= kWritable;
    if (reported & kReadable) receive_awaits_ = 0;
    if (reported & kWritable) send_awaits_ = 0;
    return reported;
  }

  // The readiness of the socket without which something does not go on.
  int32_t awaits() const { return receive_awaits_ | send_awaits_ | (owes() ? kWritable : 0); }

  // Whether the caller waits for an event before it receives.
  bool receive_waits() const { return receive_awaits_ != 0; }

 protected:
  // The readiness of the socket that the last call stopped for; 0: it did not stop.
  int32_t receive_awaits_ = kReadable;
  int32_t send_awaits_ = 0;
};

// Makes the transports of one kind, each with the settings of that kind.
class TransportKind {
 public:
  TransportKind() = default;
  virtual ~TransportKind() = default;
  TransportKind(const TransportKind&) = delete;
  TransportKind& operator=(const TransportKind&) = delete;

  // A transport over the socket `fd`; null: there is no memory for one.
  virtual std::unique_ptr<Transport> Make(int fd) = 0;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_TRANSPORT_H_
