// The calls of macOS and the BSDs. macOS lacks accept4(2), so flags are set afterwards.
// SO_NOSIGPIPE is set on the socket, instead of a flag of each send. SO_REUSEPORT gives every
// client to one of the listeners.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "system.h"

namespace epoll_server::system {

const int kSendFlags = MSG_DONTWAIT;
const int kMoreFlag = 0;
const bool kReusePortBalances = false;

namespace {

// Sets the flags of `fd` and returns it, or closes it and returns -errno.
int SetFlags(int fd, bool blocking) {
  const int on = 1;
  const int flags = fcntl(fd, F_GETFL);
  const int wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
  if (flags >= 0 && fcntl(fd, F_SETFL, wanted) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
      setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on)) == 0) {
    return fd;
  }
  const int error = -errno;
  close(fd);
  return error;
}

}  // namespace

int OpenSocket(int family) {
  const int fd = socket(family, SOCK_STREAM, 0);
  return fd < 0 ? -errno : SetFlags(fd, false);
}

int AcceptSocket(int listener, sockaddr* peer, socklen_t* length, bool blocking) {
  const int fd = accept(listener, peer, length);
  return fd < 0 ? -errno : SetFlags(fd, blocking);
}

int SetParentDeathSignal(int) { return 0; }

int PeerName(int fd, sockaddr* peer, socklen_t* length) { return getpeername(fd, peer, length); }

}  // namespace epoll_server::system
