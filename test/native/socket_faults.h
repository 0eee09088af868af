// Faults in the calls of send(2) and recv(2) of one socket.
#ifndef EPOLL_SERVER_TEST_NATIVE_SOCKET_FAULTS_H_
#define EPOLL_SERVER_TEST_NATIVE_SOCKET_FAULTS_H_

#include <cstdint>

namespace epoll_server::test {

// While it lives, half of the calls on `fd` fail with EAGAIN or EINTR, and the others accept or
// return a few bytes. One at a time.
class SocketFaults {
 public:
  SocketFaults(int fd, uint32_t seed);
  ~SocketFaults();
  SocketFaults(const SocketFaults&) = delete;
  SocketFaults& operator=(const SocketFaults&) = delete;
};

// The calls of send(2) so far.
int SendCalls();

}  // namespace epoll_server::test

#endif  // EPOLL_SERVER_TEST_NATIVE_SOCKET_FAULTS_H_
