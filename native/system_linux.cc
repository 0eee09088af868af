// Linux: accept4(2), flags in socket(2), MSG_NOSIGNAL.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>

#include "system.h"

namespace epoll_server::system {

const int kSendFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
const int kMoreFlag = MSG_MORE;
const bool kReusePortBalances = true;

int OpenSocket(int family) {
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
}

// A congestion control that paces (bbr) sets a timer for nearly every segment: a quarter of what 1
// MiB costs (Linux 6.18). reno, which every Linux has and allows everybody, has none. Accepted
// sockets inherit it only from an option of the listener: on a socket that was connected with bbr,
// its timers stay.
void ExpectNoNetwork(int listener) {
  constexpr char kUnpaced[] = "reno";
  static_cast<void>(
      setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, kUnpaced, sizeof(kUnpaced) - 1));
}

int AcceptSocket(int listener, sockaddr* peer, socklen_t* length, bool blocking) {
  const int fd = accept4(listener, peer, length, SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK));
  return fd < 0 ? -errno : fd;
}

// getpeername(2) fails with ENOTCONN once the client has reset the connection, though bytes that it
// sent before can still be received. SO_PEERNAME answers until the socket is closed, and fails
// with EINVAL when `*length` is greater than that of the address.
int PeerName(int fd, sockaddr* peer, socklen_t* length) {
  return getsockopt(fd, SOL_SOCKET, SO_PEERNAME, peer, length);
}

}  // namespace epoll_server::system
