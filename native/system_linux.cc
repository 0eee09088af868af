// The calls of Linux: accept4(2), flags in socket(2), MSG_NOSIGNAL, PR_SET_PDEATHSIG.
#include <sys/prctl.h>

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

int AcceptSocket(int listener, sockaddr* peer, socklen_t* length, bool blocking) {
  const int fd = accept4(listener, peer, length, SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK));
  return fd < 0 ? -errno : fd;
}

int SetParentDeathSignal(int signal) {
  return prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(signal)) < 0 ? -errno : 0;
}

// getpeername(2) fails with ENOTCONN once the client has reset the connection, though its earlier
// bytes can still be received. SO_PEERNAME works until the socket is closed. It fails with EINVAL
// when `*length` is greater than that of the address.
int PeerName(int fd, sockaddr* peer, socklen_t* length) {
  return getsockopt(fd, SOL_SOCKET, SO_PEERNAME, peer, length);
}

}  // namespace epoll_server::system
