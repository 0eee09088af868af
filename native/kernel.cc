#include "kernel.h"

#include <time.h>

#include <cerrno>
#include <utility>

#include "file.h"

namespace epoll_server {
namespace {

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
    : poller_(std::move(poller)), memory_(memory) {
  memory_.control[kNowMs] = MonotonicMs();
}

Kernel::~Kernel() { Shutdown(); }

void Kernel::Shutdown() {
  for (const int fd : connections_.OpenDescriptors()) {
    epoll_server::Close(fd);
    connections_.Close(fd);
  }
  poller_.reset();
}

int Kernel::Wait(int timeout_ms) {
  if (!poller_) return -EBADF;
  memory_.control[kWaits] += 1;
  const int count = poller_->Wait(memory_.events, memory_.event_capacity, timeout_ms);
  memory_.control[kNowMs] = MonotonicMs();
  memory_.control[kReady] = count;
  ReceiveForEvents(count);
  return count;
}

// One crossing into native code for a batch, instead of one for each of its connections. A failed
// socket's error is left for Recv, which its reader calls in any case.
void Kernel::ReceiveForEvents(int count) {
  for (int i = 0; i < count; ++i) {
    const Event& event = memory_.events[i];
    memory_.received[i] = kNotReceived;
    if (!(event.readiness & kReadable) || (event.readiness & kFailed)) continue;
    Connection* connection = connections_.Find(event.fd);
    if (connection == nullptr || !connection->ahead) continue;
    if (connection->generation != event.generation) continue;
    uint8_t* slot = memory_.ahead + static_cast<size_t>(i) * kSlotBytes;
    memory_.received[i] = CountReceived(connection, epoll_server::Recv(event.fd, slot, kSlotBytes));
  }
}

int Kernel::Add(int fd, int32_t interest) {
  if (!poller_) return -EBADF;
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  memory_.control[kRegistrations] += 1;
  const int status = poller_->Add(fd, connection->generation, interest & ~kAhead);
  if (status != 0) return status;
  connection->ahead = (interest & kAhead) != 0;
  return connection->generation;
}

int Kernel::Rearm(int fd, int32_t interest) {
  if (!poller_) return -EBADF;
  const Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -ENOENT;
  memory_.control[kRegistrations] += 1;
  return poller_->Rearm(fd, connection->generation, interest);
}

int Kernel::Remove(int fd) {
  if (!poller_) return -EBADF;
  if (connections_.Find(fd) == nullptr) return -ENOENT;
  memory_.control[kRegistrations] += 1;
  return poller_->Remove(fd);
}

int Kernel::Listen(const std::string& host, int port, int backlog) {
  if (!poller_) return -EBADF;
  const int fd = epoll_server::Listen(host.c_str(), port, backlog);
  if (fd >= 0) connections_.Open(fd, Address());
  return fd;
}

int Kernel::Accept(int listener) {
  if (connections_.Find(listener) == nullptr) return -EBADF;
  memory_.control[kAccepts] += 1;
  Address peer;
  const int fd = epoll_server::Accept(listener, &peer);
  if (fd >= 0) connections_.Open(fd, peer);
  return fd;
}

int Kernel::Recv(int fd, uint32_t offset, uint32_t length) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  if (!Inside(offset, length, memory_.input_size)) return -EINVAL;
  return CountReceived(connection, epoll_server::Recv(fd, memory_.input + offset, length));
}

int Kernel::CountReceived(Connection* connection, int result) {
  memory_.control[kReceives] += 1;
  if (result > 0) {
    connection->bytes_received += static_cast<uint64_t>(result);
    memory_.control[kBytesReceived] += result;
  }
  return result;
}

int Kernel::ReceiveAhead(int fd, int32_t on) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  connection->ahead = on != 0;
  return 0;
}

int Kernel::CountSent(Connection* connection, int result) {
  memory_.control[kSends] += 1;
  if (result > 0) {
    connection->bytes_sent += static_cast<uint64_t>(result);
    memory_.control[kBytesSent] += result;
  }
  return result;
}

int Kernel::Send(int fd, uint32_t offset, uint32_t length) {
  if (!Inside(offset, length, memory_.output_size)) return -EINVAL;
  return SendFrom(fd, memory_.output + offset, length);
}

int Kernel::SendAll(int count) {
  if (count < 0 || static_cast<uint32_t>(count) > memory_.order_capacity) return -EINVAL;
  for (int i = 0; i < count; ++i) {
    Order& order = memory_.orders[i];
    order.result = Send(order.fd, order.offset, order.length);
  }
  return 0;
}

int Kernel::SendFrom(int fd, const uint8_t* bytes, size_t length) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  return CountSent(connection, epoll_server::Send(fd, bytes, length));
}

int Kernel::Sendv(int fd, uint32_t offset, uint32_t length, const uint8_t* bytes, size_t size) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  if (!Inside(offset, length, memory_.output_size)) return -EINVAL;
  return CountSent(connection,
                   epoll_server::Sendv(fd, memory_.output + offset, length, bytes, size));
}

int Kernel::SendFile(int fd, uint32_t offset, uint32_t length, int file, int64_t position,
                     uint32_t count) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  if (!Inside(offset, length, memory_.output_size) || position < 0) return -EINVAL;
  return CountSent(connection, epoll_server::SendFile(fd, memory_.output + offset, length, file,
                                                      position, count));
}

int Kernel::ShutdownWrite(int fd) {
  return connections_.Find(fd) == nullptr ? -EBADF : epoll_server::ShutdownWrite(fd);
}

int Kernel::Unacknowledged(int fd) {
  return connections_.Find(fd) == nullptr ? -EBADF : epoll_server::Unacknowledged(fd);
}

int Kernel::Reset(int fd) {
  return connections_.Find(fd) == nullptr ? -EBADF : epoll_server::ResetOnClose(fd);
}

int Kernel::Close(int fd) { return connections_.Close(fd) ? epoll_server::Close(fd) : -EBADF; }

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
