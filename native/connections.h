// The table of open descriptors: for each its generation, its peer and its byte counts. Access is
// O(1) by descriptor, and the table grows with the highest one.
#ifndef EPOLL_SERVER_NATIVE_CONNECTIONS_H_
#define EPOLL_SERVER_NATIVE_CONNECTIONS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "socket.h"

namespace epoll_server {

class Transport;

// One descriptor's entry: 56 bytes.
struct Connection {
  int32_t generation = 0;  // grows by one each time the number is opened; 0: never opened
  bool open = false;
  bool prefetches = false;  // Kernel::Wait receives for it
  bool watched = false;     // the poller reports it
  bool held = false;        // a later Kernel::Wait reports what its transport holds
  bool queued = false;      // it is among the deferred descriptors of the Kernel
  bool resets = false;      // Kernel::Close discards what is unsent
  bool connecting = false;  // Kernel::Connect opened it, and no call has shown the result yet
  Address peer = {};
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
  Transport* transport = nullptr;  // null: the plain socket. The kernel owns it
};

class Connections {
 public:
  // Adds `fd` as open and returns its next generation (1 to 2^31 - 1).
  int32_t Open(int fd, const Address& peer);

  // Returns the open entry of `fd`, or null. Valid until the next Open. Inline, because every call
  // uses it.
  Connection* Find(int fd) {
    const size_t index = static_cast<size_t>(fd);
    if (fd < 0 || index >= by_fd_.size() || !by_fd_[index].open) return nullptr;
    return &by_fd_[index];
  }

  // Closes the entry of `fd`. Its generation stays, so that stale events are recognised. False: not
  // open.
  bool Close(int fd);

  int open_count() const { return open_count_; }

  std::vector<int> OpenDescriptors() const;

 private:
  std::vector<Connection> by_fd_;
  int open_count_ = 0;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_CONNECTIONS_H_
