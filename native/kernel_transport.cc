// The calls of Kernel over a transport, and what its waits do for transports.
#include <algorithm>
#include <cerrno>

#include "file.h"
#include "kernel.h"

namespace epoll_server {
namespace {

// Bytes of a file that are read at a time: sendfile(2) cannot encode them.
constexpr size_t kFilePieceBytes = 16384;

}  // namespace

int Kernel::Attach(int fd, TransportKind* kind) {
  Connection* connection = connections_.Find(fd);
  if (connection == nullptr) return -EBADF;
  if (connection->transport != nullptr) return -EEXIST;
  connection->transport = kind->Make(fd).release();
  if (connection->transport == nullptr) return -ENOMEM;
  ++transports_;
  FollowUp(fd, connection);
  return 0;
}

int Kernel::ReceiveOver(int fd, Connection* connection, uint8_t* bytes, size_t length) {
  const int result = connection->transport->Receive(bytes, length);
  FollowUp(fd, connection);
  return result;
}

int Kernel::SendOver(int fd, Connection* connection, Bytes first, Bytes second, bool more) {
  const int result = connection->transport->Send(first, second, more);
  FollowUp(fd, connection);
  return result;
}

int Kernel::SendFileOver(int fd, Connection* connection, int file, int64_t position,
                         size_t length) {
  uint8_t bytes[kFilePieceBytes];
  const int count = ReadFile(file, bytes, std::min(length, kFilePieceBytes), position, true);
  if (count <= 0) return count;
  const Bytes piece = {bytes, static_cast<size_t>(count)};
  return SendOver(fd, connection, piece, {nullptr, 0}, false);
}

// Every event goes through the transport of its descriptor first.
int Kernel::ReportTransports(int count) {
  for (int i = 0; i < count; ++i) {
    Event& event = memory_.events[i];
    Connection* connection = connections_.Find(event.fd);
    if (connection == nullptr || connection->transport == nullptr) continue;
    if (connection->generation != event.generation) continue;
    const int32_t held = connection->held ? kReadable : 0;
    connection->held = false;
    event.readiness = connection->transport->Report(event.readiness | held);
    FollowUp(event.fd, connection);
  }
  return AddHeld(count);
}

// Adds an event for each descriptor that holds input and has none in this batch.
int Kernel::AddHeld(int count) {
  size_t kept = 0;
  for (const Held& held : held_) {
    Connection* connection = connections_.Find(held.fd);
    if (connection == nullptr || connection->generation != held.generation) continue;
    if (!connection->held) continue;
    if (count == memory_.event_capacity) {
      held_[kept++] = held;
      continue;
    }
    connection->held = false;
    memory_.events[count++] = {held.fd, held.generation, connection->transport->Report(kReadable)};
  }
  held_.resize(kept);
  return count;
}

// Sees to it that a caller that waits gets an event: from the socket, which a back end that is not
// edge-triggered has to be asked for, or from AddHeld when the socket has nothing more to say.
void Kernel::FollowUp(int fd, Connection* connection) {
  const Transport& transport = *connection->transport;
  if (!connection->watched) return;
  if (needs_rearm_ && transport.awaits() != 0) {
    poller_->Rearm(fd, connection->generation, transport.awaits());
  }
  if (transport.receive_waits()) HoldIfReadable(fd, connection);
}

void Kernel::HoldIfReadable(int fd, Connection* connection) {
  if (connection->held || !connection->transport->holds_input()) return;
  connection->held = true;
  held_.push_back({fd, connection->generation});
}

}  // namespace epoll_server
