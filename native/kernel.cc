// The calls of Kernel over plain sockets; kernel_transport.cc has those over a transport.
#include "kernel.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "file.h"
#include "head_scan.h"

namespace epoll_server {
namespace {

// The largest segment: that of loopback, and of segmentation offload in a network card.
constexpr uint64_t kSegmentBytes = 65536;

double MonotonicMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

bool Inside(uint32_t offset, uint32_t length, uint32_t size) {
  return offset <= size && length <= size - offset;
}

}  // namespace

Kernel::Kernel(std::unique_ptr<Poller> poller, const SharedMemory& memory)
    : poller_(std::move(poller)), needs_rearm_(!poller_->traits().edge_triggered), memory_(memory) {
  memory_.control[kNowMs] = MonotonicMs();
  memory_.control[kPrewaited] = kNotPrewaited;
}

Kernel::~Kernel() { Shutdown(); }

void Kernel::Shutdown() {
  for (const int fd : connections_.OpenDescriptors()) {
    CloseTransport(connections_.Find(fd));
    epoll_server::Close(fd);
    connections_.Close(fd);
  }
  poller_.reset();
}

int Kernel::Wait(int timeout_ms) {
  if (!poller_) return -EBADF;
  memory_.control[kWaits] += 1;
  int32_t capacity = memory_.event_capacity;
  if (holds_input()) {
    timeout_ms = hosting_.timeout_ms = 0;
    const size_t deferred = std::min<size_t>(deferred_.size(), kHandshakeStepsPerWait);
    capacity -= std::min(capacity / 2, static_cast<int32_t>(held_.size() + deferred));
  }
  int count = timeout_ms == 0 && hosting_.active
                  ? WaitAsHost(capacity)
                  : poller_->Wait(memory_.events, capacity, timeout_ms);
  memory_.control[kNowMs] = MonotonicMs();
  const int fresh = count;
  if (transports_ > 0 && count >= 0) count = ReportTransports(count);
  // A step of a handshake that was deferred comes before later ones.
  PrefetchForEvents(fresh, count);
  PrefetchForEvents(0, fresh);
  return count;
}

int Kernel::Prewait() {
  const int count = Wait(0);
  memory_.control[kPrewaited] = count < 0 ? kNotPrewaited : count;
  return count;
}

int Kernel::WaitAsHost(int32_t capacity) {
  const int timeout_ms = std::exchange(hosting_.timeout_ms, 0);
  const int count = poller_->WaitBeside(memory_.events, capacity, timeout_ms, &hosting_.libuv);
  if (timeout_ms != 0) hosting_.on_wake(hosting_.context);
  return count;
}

// Arms the next event on a back end that is not edge-triggered. A call that did not exhaust its
// direction needs no event, because its caller repeats it (sentences 2 and 7 of poller.h). For a
// transport, EnsureEvent arms what the transport awaits.
void Kernel::RearmUnless(bool finished, int fd, const Connection& connection, int32_t interest) {
  if (finished || !needs_rearm_ || connection.transport != nullptr) return;
  // -ENOENT is fine: the descriptor is not watched.
  poller_->Rearm(fd, connection.generation, interest);
}

// One crossing into native code for a batch, instead of one for each connection. The error of a
// failed socket is left for Recv, which its reader calls in any case.
void Kernel::PrefetchForEvents(int begin, int end) {
  for (int i = begin; i < end; ++i) {
    Event& event = memory_.events[i];
    if (!(event.readiness & kReadable) || (event.readiness & kFailed)) continue;
    Connection* connection = connections_.Find(event.fd);
    if (connection == nullptr || !connection->prefetches) continue;
    if (connection->generation != event.generation) continue;
    const uint32_t offset = memory_.receive_size + static_cast<uint32_t>(i) * kPrefetchBytes;
    const int result = ReceiveFrom(event.fd, connection, memory_.input + offset, kPrefetchBytes);
    event.prefetched = CountReceived(event.fd, connection, result, kPrefetchBytes);
    ScanReceived(i, offset, result);
  }
}

int Kernel::Add(int fd, int32_t interest) {
  if (!poller_) return -EBADF;
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  memory_.control[kRegistrations] += 1;
  const int status = poller_->Add(fd, connection->generation, interest & ~kPrefetch);
  if (status != 0) return status;
  connection->prefetches = (interest & kPrefetch) != 0;
  connection->watched = true;
  if (connection->transport != nullptr) {
    EnsureEvent(fd, connection);
    HoldIfReadable(fd, connection);
  }
  return connection->generation;
}

int Kernel::Rearm(int fd, int32_t interest) {
  if (!poller_) return -EBADF;
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -ENOENT;
  memory_.control[kRegistrations] += 1;
  const int status = poller_->Rearm(fd, connection->generation, interest);
  const bool receives = status == 0 && (interest & kReadable);
  if (receives && connection->transport != nullptr) HoldIfReadable(fd, connection);
  return status;
}

int Kernel::Remove(int fd) {
  if (!poller_) return -EBADF;
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -ENOENT;
  memory_.control[kRegistrations] += 1;
  connection->watched = connection->held = false;
  return poller_->Remove(fd);
}

int Kernel::Listen(const std::string& host, int port, int backlog, bool shared) {
  if (!poller_) return -EBADF;
  const int fd = epoll_server::Listen(host.c_str(), port, backlog, shared);
  if (fd >= 0) connections_.Open(fd, Address());
  return fd;
}

int Kernel::Connect(const std::string& host, int port) {
  if (!poller_) return -EBADF;
  Address peer = {};
  const int fd = epoll_server::Connect(host.c_str(), port, &peer);
  if (fd < 0) return fd;
  connections_.Open(fd, peer);
  connections_.Find(fd)->connecting = true;
  return fd;
}

int Kernel::ConnectUnix(const std::string& path) {
  if (!poller_) return -EBADF;
  const int fd = epoll_server::ConnectUnix(path.c_str());
  if (fd >= 0) connections_.Open(fd, Address());
  return fd;
}

int Kernel::Accept(int listener) { return AcceptAs(listener, false); }

int Kernel::AcceptBlocking(int listener) { return AcceptAs(listener, true); }

int Kernel::AcceptAs(int listener, bool blocking) {
  const Connection* connection = connections_.Find(listener);
  if (connection == nullptr) return -EBADF;
  memory_.control[kAccepts] += 1;
  Address peer;
  const int fd = epoll_server::Accept(listener, &peer, blocking);
  RearmUnless(fd != -EAGAIN, listener, *connection, kReadable);
  if (fd >= 0) connections_.Open(fd, peer);
  return fd;
}

int Kernel::Adopt(int fd) {
  if (!poller_) return -EBADF;
  if (connections_.Find(fd) != nullptr) return -EEXIST;
  Address peer = {};
  const int status = epoll_server::Adopt(fd, &peer);
  if (status != 0) return status;
  connections_.Open(fd, peer);
  return fd;
}

int Kernel::Unblock(int fd) {
  return connections_.Find(fd) == nullptr ? -EBADF : epoll_server::Unblock(fd);
}

int Kernel::AdoptCopy(int fd) {
  const int copy = epoll_server::Duplicate(fd);
  if (copy < 0) return copy;
  const int adopted = Adopt(copy);
  if (adopted < 0) epoll_server::Close(copy);
  return adopted;
}

int Kernel::Recv(int fd, uint32_t offset, uint32_t length) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  if (!Inside(offset, length, memory_.receive_size)) return -EINVAL;
  const int result = ReceiveFrom(fd, connection, memory_.input + offset, length);
  ScanReceived(memory_.event_capacity, offset, result);
  return CountReceived(fd, connection, result, length);
}

// Finds the heads among `count` bytes that were just received; nothing after a failed receive.
void Kernel::ScanReceived(int slot, uint32_t offset, int count) {
  if (count <= 0) return;
  const uint32_t end = offset + static_cast<uint32_t>(count);
  ScanHeads(memory_.input, offset, end, memory_.heads + static_cast<size_t>(slot) * kHeadSlotWords);
}

int Kernel::ReceiveFrom(int fd, Connection* connection, uint8_t* bytes, uint32_t length) {
  if (connection->transport != nullptr) return ReceiveOver(fd, connection, bytes, length);
  return epoll_server::Recv(fd, bytes, length);
}

// The result of a call on a descriptor whose connection was in progress: the BSDs return ENOTCONN
// where Linux returns EAGAIN.
int Kernel::WhileConnecting(Connection* connection, int result) {
  if (result == -ENOTCONN) return -EAGAIN;
  connection->connecting = result == -EAGAIN;
  return result;
}

int Kernel::CountReceived(int fd, Connection* connection, int result, uint32_t length) {
  memory_.control[kReceives] += 1;
  if (connection->connecting) result = WhileConnecting(connection, result);
  if (result > 0) {
    connection->bytes_received += static_cast<uint64_t>(result);
    memory_.control[kBytesReceived] += result;
  }
  const bool is_short = result > 0 && static_cast<uint32_t>(result) < length;
  RearmUnless(!is_short && result != -EAGAIN, fd, *connection, kReadable);
  return result;
}

int Kernel::Prefetch(int fd, int32_t on) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  connection->prefetches = on != 0;
  return 0;
}

int Kernel::CountSent(int fd, Connection* connection, int result, size_t length) {
  memory_.control[kSends] += 1;
  if (connection->connecting) result = WhileConnecting(connection, result);
  if (result > 0) {
    connection->bytes_sent += static_cast<uint64_t>(result);
    memory_.control[kBytesSent] += result;
  }
  const bool is_short = result >= 0 && static_cast<size_t>(result) < length;
  RearmUnless(!is_short && result != -EAGAIN, fd, *connection, kWritable);
  return result;
}

int Kernel::Send(int fd, uint32_t offset, uint32_t length, const uint8_t* bytes, size_t size) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  if (!Inside(offset, length, memory_.output_size)) return -EINVAL;
  const uint8_t* piece = memory_.output + offset;
  const int result = connection->transport == nullptr
                         ? epoll_server::Sendv(fd, piece, length, bytes, size)
                         : SendOver(fd, connection, {piece, length}, {bytes, size}, false);
  return CountSent(fd, connection, result, length + size);
}

int Kernel::SendPiece(int fd, uint32_t offset, uint32_t length, bool more) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  if (!Inside(offset, length, memory_.output_size)) return -EINVAL;
  const uint8_t* piece = memory_.output + offset;
  const int result = connection->transport == nullptr
                         ? epoll_server::Send(fd, piece, length, more)
                         : SendOver(fd, connection, {piece, length}, {nullptr, 0}, more);
  return CountSent(fd, connection, result, length);
}

int Kernel::SendBatch(int count) {
  if (!poller_) return -EBADF;
  if (count < 0 || static_cast<uint32_t>(count) > memory_.send_op_capacity) return -EINVAL;
  for (int i = 0; i < count; ++i) {
    SendOp& op = memory_.send_ops[i];
    const bool has_file = op.file_count > 0;
    const bool has_piece = op.length > 0 || !has_file;
    // A response of several segments costs a tenth more when its first segment has to wait.
    const bool waits = has_file && uint64_t{op.length} + op.file_count <= kSegmentBytes;
    op.result = has_piece ? SendPiece(op.fd, op.offset, op.length, waits) : 0;
    if (has_file) SendFileOf(&op);
  }
  return 0;
}

// A short count means either a full socket or the end of the file. So sendfile(2) is called again
// until it returns which one.
void Kernel::SendFileOf(SendOp* op) {
  op->file_sent = 0;
  op->file_status = op->result < 0 ? op->result : -EAGAIN;
  if (op->result < 0 || static_cast<uint32_t>(op->result) < op->length) return;
  Connection* connection = connections_.Find(op->fd);
  op->file_status = connection == nullptr ? -EBADF : op->position_high < 0 ? -EINVAL : 0;
  if (op->file_status != 0) return;
  const int64_t position = int64_t{op->position_high} << 32 | op->position_low;
  while (op->file_sent < op->file_count) {
    const int64_t from = position + op->file_sent;
    const size_t left = op->file_count - op->file_sent;
    const int sent = connection->transport == nullptr
                         ? epoll_server::SendFile(op->fd, op->file, from, left)
                         : SendFileOver(op->fd, connection, op->file, from, left);
    if (sent <= 0) {
      op->file_status = sent == 0 ? -ENODATA : sent;
      break;
    }
    op->file_sent += static_cast<uint32_t>(sent);
  }
  CountSent(op->fd, connection, static_cast<int>(op->file_sent), op->file_count);
}

int Kernel::ShutdownWrite(int fd) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  if (connection->transport == nullptr) return epoll_server::ShutdownWrite(fd);
  const int status = connection->transport->ShutdownWrite();
  EnsureEvent(fd, connection);
  return status == 0 && connection->transport->has_pending_output() ? 1 : status;
}

double Kernel::WireSent(int fd) {
  const Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  return static_cast<double>(connection->transport == nullptr
                                 ? connection->bytes_sent
                                 : connection->transport->wire_bytes_sent());
}

double Kernel::Acknowledged(int fd) {
  const double sent = WireSent(fd);
  return sent < 0 ? sent : sent - std::max(epoll_server::Unacknowledged(fd), 0);
}

int Kernel::Reset(int fd) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  connection->resets = true;
  return epoll_server::ResetOnClose(fd);
}

int Kernel::Close(int fd) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  CloseTransport(connection);
  connections_.Close(fd);
  poller_->Closing(fd);
  return epoll_server::Close(fd);
}

// The peer receives the end of the stream if the socket has room for it. A caller that has to be
// sure calls ShutdownWrite first and waits.
void Kernel::CloseTransport(Connection* connection) {
  if (connection->transport == nullptr) return;
  if (!connection->resets) connection->transport->ShutdownWrite();
  delete std::exchange(connection->transport, nullptr);
  if (--transports_ > 0) return;
  held_.clear();
  deferred_.clear();
}

Address Kernel::Peer(int fd) {
  const Connection* connection = connections_.Find(fd);
  return connection == nullptr ? Address() : connection->peer;
}

Address Kernel::Local(int fd) {
  Address local = {};
  if (connections_.Find(fd) != nullptr) epoll_server::LocalAddress(fd, &local);
  return local;
}

}  // namespace epoll_server
