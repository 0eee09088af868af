// A transport for tests: frames with a length in front, whose data is passed on when they are
// whole. A client begins with HELLO, and no data is sent to it before. The server replies with
// HELLO, and with an ACK after every fourth frame of data. It continues to read when the socket has
// accepted that reply. Bytes of data are masked on the wire, so that a byte that bypasses the
// transport is noticed. test/support/framed-socket.ts is the other end.
#ifndef EPOLL_SERVER_TEST_NATIVE_FRAMED_TRANSPORT_H_
#define EPOLL_SERVER_TEST_NATIVE_FRAMED_TRANSPORT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "transport.h"

namespace epoll_server::test {

// The first byte of a frame; its length follows in two bytes, the high one first.
enum FrameType : uint8_t { kHello = 1, kData = 2, kAck = 3, kEnd = 4 };

inline constexpr size_t kFrameHead = 3;
inline constexpr size_t kMaxReceivedPayload = 16384;
inline constexpr size_t kMaxSentPayload = 4000;
inline constexpr int kFramesPerAck = 4;
// The most frames that one call reads.
inline constexpr int kFramesPerCall = 16;
inline constexpr uint8_t kMask = 0xa5;

class FramedTransport final : public Transport {
 public:
  FramedTransport(int fd, Bytes received);
  ~FramedTransport() override { --living; }

  int Receive(uint8_t* bytes, size_t length) override;
  int Send(Bytes first, Bytes second, bool more) override;
  int ShutdownWrite() override;
  void Flush() override { FlushOut(); }
  bool has_pending_output() const override { return error_ == 0 && !out_.empty(); }
  bool holds_input() const override;
  uint64_t wire_bytes_sent() const override { return wire_bytes_sent_; }

  // The number of transports that are not destroyed yet.
  static int living;

 private:
  int FlushOut();
  int SendFrames(Bytes first, Bytes second, size_t* counted);
  int NextPayload();
  int ConsumeFrame();
  void Reply(FrameType type);
  void Greet();
  int Fill();
  bool HasFrame() const;
  size_t PayloadLength() const;
  void QueueFrame(FrameType type, Bytes first, Bytes second);
  size_t CopyPayload(uint8_t* bytes, size_t length);
  int Fail(int error);

  const int fd_;
  std::vector<uint8_t> in_;  // wire bytes: [begin_, end_) is not consumed
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t payload_left_ = 0;   // of the current frame of data, from begin_ on
  std::vector<uint8_t> out_;  // wire bytes that the socket has not accepted
  size_t counted_later_ = 0;  // bytes in out_ that the caller passes again
  uint64_t wire_bytes_sent_ = 0;
  int unacknowledged_ = 0;
  int frames_left_ = 0;  // of this call
  int error_ = 0;
  bool greeted_ = false;       // HELLO was received
  bool writes_first_ = false;  // out_ must be sent before the next read
  bool peer_ended_ = false;
  bool end_reported_ = false;
  bool ended_ = false;
  bool shut_ = false;
};

// `send_buffer_bytes`: SO_SNDBUF, so that short counts are frequent; 0: the system's.
class FramedKind final : public TransportKind {
 public:
  explicit FramedKind(int send_buffer_bytes) : send_buffer_bytes_(send_buffer_bytes) {}
  std::unique_ptr<Transport> Make(int fd, const double& waits, Bytes received) override;

 private:
  const int send_buffer_bytes_;
};

}  // namespace epoll_server::test

#endif  // EPOLL_SERVER_TEST_NATIVE_FRAMED_TRANSPORT_H_
