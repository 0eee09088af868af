// The table of open descriptors, keyed by descriptor: who is there, in which life of that number,
// and what has passed. O(1), grows by descriptor, knows nothing of readiness or HTTP.
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
  bool held = false;        // the next Kernel::Wait reports what its transport holds
  bool resets = false;      // Kernel::Close discards what is unsent
  Address peer = {};
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
  Transport* transport = nullptr;  // null: the plain socket. The kernel owns it
};

class Connections {
 public:
  // Enters `fd` as open and begins its next generation, which it returns (1 to 2^31 - 1).
  int32_t Open(int fd, const Address& peer);

  // The open entry of `fd`, or null. Valid until the next Open. Here, because every call asks.
  Connection* Find(int fd) {
    const size_t index = static_cast<size_t>(fd);
    if (fd < 0 || index >= by_fd_.size() || !by_fd_[index].open) return nullptr;
    return &by_fd_[index];
  }

  // Ends the entry of `fd`; its generation stays, so that stale events are known. False: not open.
  bool Close(int fd);

  int open_count() const { return open_count_; }

  // Every open descriptor, for closing them all.
  std::vector<int> OpenDescriptors() const;

 private:
  std::vector<Connection> by_fd_;
  int open_count_ = 0;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_CONNECTIONS_H_
