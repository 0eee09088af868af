// The calls of Kernel over a transport, and the events that its waits make for transports.
#include <algorithm>
#include <cerrno>

#include "file.h"
#include "kernel.h"

namespace epoll_server {
namespace {

// Bytes of a file read at a time. A transport encodes them, so sendfile(2) cannot be used.
// As much as one send(2) of TLS takes.
constexpr size_t kFilePieceBytes = 131072;

}  // namespace

int Kernel::Attach(int fd, TransportKind* kind, Bytes received) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  if (connection->transport != nullptr) return -EEXIST;
  connection->transport = kind->Make(fd, memory_.control[kWaits], received).release();
  if (connection->transport == nullptr) return -ENOMEM;
  ++transports_;
  EnsureEvent(fd, connection);
  return 0;
}

int Kernel::IsNegotiated(int fd) {
  const Connection* connection = connections_.Find(fd);
  if (connection == nullptr || connection->transport == nullptr) return 0;
  return connection->transport->is_negotiated() ? 1 : 0;
}

NegotiatedTls Kernel::Negotiated(int fd) { return connections_.Find(fd)->transport->Negotiated(); }

int Kernel::ReceiveOver(int fd, Connection* connection, uint8_t* bytes, size_t length) {
  const int result = connection->transport->Receive(bytes, length);
  EnsureEvent(fd, connection);
  return result;
}

int Kernel::SendOver(int fd, Connection* connection, Bytes first, Bytes second, bool more) {
  const int result = connection->transport->Send(first, second, more);
  EnsureEvent(fd, connection);
  return result;
}

int Kernel::SendFileOver(int fd, Connection* connection, int file, int64_t position,
                         size_t length) {
  uint8_t bytes[kFilePieceBytes];
  const int count = ReadFile(file, bytes, std::min(length, kFilePieceBytes), position, false);
  // -EAGAIN would mean that the socket is full. The caller reads in the thread pool after -EINVAL.
  if (count <= 0) return count == -EAGAIN ? -EINVAL : count;
  const Bytes piece = {bytes, static_cast<size_t>(count)};
  // The caller sends the rest at once. Otherwise each piece would be a segment of its own.
  return SendOver(fd, connection, piece, {nullptr, 0}, piece.length < length);
}

// Passes each event to the transport of its descriptor, which returns the readiness for the caller.
int Kernel::ReportTransports(int count) {
  for (int i = 0; i < count; ++i) {
    Event& event = memory_.events[i];
    Connection* connection = connections_.Find(event.fd);
    if (connection == nullptr || connection->transport == nullptr) continue;
    if (connection->generation != event.generation) continue;
    const int32_t held = connection->held ? kReadable : 0;
    connection->held = false;
    event.readiness = connection->transport->Report(event.readiness | held);
    EnsureEvent(event.fd, connection);
  }
  count = AddHeld(&held_, memory_.event_capacity, count);
  return AddHeld(&deferred_, kHandshakeStepsPerWait, count);
}

// Adds an event for at most `limit` descriptors, in their order, whose transport holds input and
// that have no event in this batch.
int Kernel::AddHeld(std::vector<Held>* held, int limit, int count) {
  const int end = std::min(memory_.event_capacity, count + limit);
  auto next = held->begin();
  for (; next != held->end() && count < end; ++next) {
    Connection* connection = connections_.Find(next->fd);
    if (connection == nullptr || connection->generation != next->generation) continue;
    if (held == &deferred_) connection->queued = false;
    if (!connection->held) continue;
    connection->held = false;
    const int32_t readiness = connection->transport->Report(kReadable);
    memory_.events[count++] = {next->fd, next->generation, readiness};
  }
  held->erase(held->begin(), next);
  return count;
}

// Makes sure that a waiting caller gets an event. It comes from the socket, armed here on a back
// end that is not edge-triggered. When the transport holds input already, it comes from AddHeld.
void Kernel::EnsureEvent(int fd, Connection* connection) {
  const Transport& transport = *connection->transport;
  if (!connection->watched) return;
  if (needs_rearm_ && transport.awaits() != 0) {
    poller_->Rearm(fd, connection->generation, transport.awaits());
  }
  if (transport.receive_waits() || transport.send_continues()) HoldIfReadable(fd, connection);
}

void Kernel::HoldIfReadable(int fd, Connection* connection) {
  const Transport& transport = *connection->transport;
  if (connection->held || !(transport.holds_input() || transport.send_continues())) return;
  connection->held = true;
  const Held held = {fd, connection->generation};
  if (!transport.is_deferred()) {
    held_.push_back(held);
  } else if (!connection->queued) {
    connection->queued = true;
    deferred_.push_back(held);
  }
}

}  // namespace epoll_server
