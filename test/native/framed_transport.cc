// Receives, sends and ends frames for the transport of the tests.
#include "framed_transport.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "poller.h"
#include "socket.h"

namespace epoll_server::test {

int FramedTransport::living = 0;

FramedTransport::FramedTransport(int fd, Bytes received)
    : fd_(fd), in_(kFrameHead + kMaxReceivedPayload) {
  ++living;
  end_ = std::min(received.length, in_.size());
  std::copy_n(received.data, end_, in_.data());
  Greet();
}

std::unique_ptr<Transport> FramedKind::Make(int fd, const double&, Bytes received) {
  const int size = send_buffer_bytes_;
  if (size > 0) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  return std::make_unique<FramedTransport>(fd, received);
}

int FramedTransport::Fail(int error) { return error_ = error; }

// ---- Receiving ---------------------------------------------------------------------------------

int FramedTransport::Receive(uint8_t* bytes, size_t length) {
  size_t filled = 0;
  int status = 1;
  frames_left_ = kFramesPerCall;
  while (filled < length) {
    status = error_ != 0 ? error_ : NextPayload();
    if (status <= 0) break;
    filled += CopyPayload(bytes + filled, length - filled);
  }
  const bool is_over = status > 0 || (filled == 0 && status != -EAGAIN);
  receive_awaits_ = is_over ? 0 : writes_first_ ? kWritable : kReadable;
  if (filled > 0 || length == 0) return static_cast<int>(filled);
  if (status == 0) end_reported_ = true;
  return status;
}

// Reads up to the next byte of data. Returns 1 when there is one, 0 at the end, or -errno.
int FramedTransport::NextPayload() {
  for (;;) {
    if (writes_first_) {
      const int status = FlushOut();
      if (status != 0) return status;
    }
    if (payload_left_ > 0) return 1;
    if (peer_ended_) return 0;
    const int status = HasFrame() ? ConsumeFrame() : Fill();
    if (status != 0) return status;
  }
}

// Consumes a frame, or only its head when data follows. -EAGAIN: this call has read its limit.
int FramedTransport::ConsumeFrame() {
  if (frames_left_-- == 0) return -EAGAIN;
  const uint8_t type = in_[begin_];
  const size_t length = PayloadLength();
  if (type == kData && greeted_) {
    payload_left_ = length;
    if (++unacknowledged_ == kFramesPerAck) Reply(kAck);
  } else if (type == kHello && !greeted_ && length == 0) {
    greeted_ = true;
    Reply(kHello);
  } else if (type == kEnd && length == 0) {
    peer_ended_ = true;
  } else {
    return Fail(-EPROTO);
  }
  begin_ += kFrameHead;
  return 0;
}

// Sends a reply, unless the end was sent, after which the peer expects none.
void FramedTransport::Reply(FrameType type) {
  unacknowledged_ = 0;
  if (ended_) return;
  QueueFrame(type, {nullptr, 0}, {nullptr, 0});
  writes_first_ = true;
}

size_t FramedTransport::CopyPayload(uint8_t* bytes, size_t length) {
  const size_t count = std::min(length, payload_left_);
  for (size_t i = 0; i < count; ++i) bytes[i] = in_[begin_ + i] ^ kMask;
  begin_ += count;
  payload_left_ -= count;
  return count;
}

// Receives once. Returns 0 when bytes or the end arrived, else -errno.
int FramedTransport::Fill() {
  std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ >= kFrameHead && PayloadLength() > kMaxReceivedPayload) return Fail(-EPROTO);
  int count = -EINTR;
  while (count == -EINTR) count = RecvNow(fd_, in_.data() + end_, in_.size() - end_);
  if (count == -EAGAIN) return count;
  if (count < 0) return Fail(count);
  if (count == 0 && end_ > 0) return Fail(-ECONNRESET);
  if (count == 0) peer_ended_ = true;
  end_ += static_cast<size_t>(count);
  return 0;
}

size_t FramedTransport::PayloadLength() const {
  return static_cast<size_t>(in_[begin_ + 1]) << 8 | in_[begin_ + 2];
}

bool FramedTransport::HasFrame() const {
  return end_ - begin_ >= kFrameHead && end_ - begin_ >= kFrameHead + PayloadLength();
}

bool FramedTransport::holds_input() const {
  if (error_ != 0) return true;
  if (peer_ended_ && payload_left_ == 0) return !end_reported_;
  return !writes_first_ && (payload_left_ > 0 || HasFrame());
}

// ---- Sending -----------------------------------------------------------------------------------

int FramedTransport::Send(Bytes first, Bytes second, bool) {
  if (ended_) return -EPIPE;
  size_t counted = 0;
  const int status = SendFrames(first, second, &counted);
  send_awaits_ = status == 0 ? 0 : greeted_ ? kWritable : kReadable;
  return status == 0 || counted > 0 ? static_cast<int>(counted) : status;
}

// Returns 0 when all bytes are counted, else -errno.
int FramedTransport::SendFrames(Bytes first, Bytes second, size_t* counted) {
  const size_t total = first.length + second.length;
  for (;;) {
    const int status = error_ != 0 ? error_ : FlushOut();
    if (status != 0) return status;
    // The socket has accepted all encoded bytes.
    const size_t carried = std::min(counted_later_, total - *counted);
    *counted += carried;
    counted_later_ -= carried;
    if (*counted == total) return 0;
    if (!greeted_) {
      Greet();
      if (!greeted_) return -EAGAIN;
      continue;
    }
    const size_t skipped = std::min(*counted, first.length);
    const size_t length = std::min(kMaxSentPayload, total - *counted);
    const size_t of_first = std::min(length, first.length - skipped);
    const uint8_t* rest = second.data + (*counted - skipped);
    QueueFrame(kData, {first.data + skipped, of_first}, {rest, length - of_first});
    counted_later_ = length;
  }
}

void FramedTransport::QueueFrame(FrameType type, Bytes first, Bytes second) {
  const size_t length = first.length + second.length;
  out_.push_back(type);
  out_.push_back(static_cast<uint8_t>(length >> 8));
  out_.push_back(static_cast<uint8_t>(length & 0xff));
  for (const Bytes& piece : {first, second}) {
    for (size_t i = 0; i < piece.length; ++i) out_.push_back(piece.data[i] ^ kMask);
  }
}

// Returns 0 when the socket has accepted all bytes, else -errno.
int FramedTransport::FlushOut() {
  while (!out_.empty()) {
    const int count = epoll_server::Send(fd_, out_.data(), out_.size());
    if (count == -EINTR) continue;
    if (count == -EAGAIN) return count;
    if (count < 0) return Fail(count);
    wire_bytes_sent_ += static_cast<uint64_t>(count);
    out_.erase(out_.begin(), out_.begin() + count);
  }
  writes_first_ = false;
  if (!ended_ || shut_) return 0;
  shut_ = true;
  return epoll_server::ShutdownWrite(fd_);
}

int FramedTransport::ShutdownWrite() {
  if (error_ != 0) return error_;
  if (!ended_) QueueFrame(kEnd, {nullptr, 0}, {nullptr, 0});
  ended_ = true;
  const int status = FlushOut();
  return status == -EAGAIN ? 0 : status;
}

// ---- Between both ------------------------------------------------------------------------------

// Reads the peer's HELLO, if it has arrived.
void FramedTransport::Greet() {
  frames_left_ = 1;
  const bool is_there = HasFrame() || (Fill() == 0 && HasFrame());
  if (is_there && in_[begin_] == kHello) ConsumeFrame();
}

}  // namespace epoll_server::test
