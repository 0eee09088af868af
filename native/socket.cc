#include "socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "system.h"

namespace epoll_server {
namespace {

union AnyAddress {
  sockaddr generic;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

int Result(ssize_t result) { return result < 0 ? -errno : static_cast<int>(result); }

// JavaScript gets counts as 32-bit integers.
size_t Bounded(size_t length) { return length > INT_MAX ? INT_MAX : length; }

Address FromSockaddr(const AnyAddress& from) {
  Address address = {};
  address.family = from.generic.sa_family;
  if (from.generic.sa_family == AF_INET) {
    std::memcpy(address.bytes, &from.v4.sin_addr, 4);
    address.port = ntohs(from.v4.sin_port);
  } else if (from.generic.sa_family == AF_INET6) {
    std::memcpy(address.bytes, &from.v6.sin6_addr, 16);
    address.port = ntohs(from.v6.sin6_port);
  }
  return address;
}

socklen_t ToSockaddr(const char* host, int port, AnyAddress* to) {
  std::memset(to, 0, sizeof(*to));
  if (inet_pton(AF_INET, host, &to->v4.sin_addr) == 1) {
    to->v4.sin_family = AF_INET;
    to->v4.sin_port = htons(static_cast<uint16_t>(port));
    return sizeof(to->v4);
  }
  if (inet_pton(AF_INET6, host, &to->v6.sin6_addr) == 1) {
    to->v6.sin6_family = AF_INET6;
    to->v6.sin6_port = htons(static_cast<uint16_t>(port));
    return sizeof(to->v6);
  }
  return 0;
}

int SetOption(int fd, int level, int name, int value) {
  return Result(setsockopt(fd, level, name, &value, sizeof(value)));
}

int Prepare(int fd, const AnyAddress& address, socklen_t length, int backlog, bool shared) {
  int status = SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (status == 0 && shared) status = SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (status == 0) status = SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (status == 0 && address.generic.sa_family == AF_INET6) {
    status = SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  }
  if (status == 0) status = Result(bind(fd, &address.generic, length));
  if (status == 0 && backlog >= 0) status = Result(listen(fd, backlog));
  return status;
}

}  // namespace

std::string Address::Text() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family == AF_INET || family == AF_INET6) inet_ntop(family, bytes, text, sizeof(text));
  return text;
}

int Listen(const char* host, int port, int backlog, bool shared) {
  AnyAddress address;
  const socklen_t length = ToSockaddr(host, port, &address);
  if (length == 0 || port < 0 || port > 65535) return -EINVAL;
  const int fd = system::OpenSocket(address.generic.sa_family);
  if (fd < 0) return fd;
  const int status = Prepare(fd, address, length, backlog, shared);
  if (status == 0) return fd;
  Close(fd);
  return status;
}

int Accept(int listener, Address* peer, bool blocking) {
  AnyAddress from = {};
  socklen_t length = sizeof(from);
  const int fd = system::AcceptSocket(listener, &from.generic, &length, blocking);
  if (fd < 0) return fd;
  *peer = FromSockaddr(from);
  // sendfile(2) has no flags: this alone keeps it from waiting for a slow client for ever.
  const timeval limit = {0, kBlockingSendMs * 1000};
  if (blocking) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  return fd;
}

int Adopt(int fd, Address* peer) {
  AnyAddress name = {};
  socklen_t length = sizeof(name);
  if (getsockname(fd, &name.generic, &length) != 0) return -errno;
  // A listening socket has no peer. That of any other has an address of the same length.
  if (system::PeerName(fd, &name.generic, &length) == 0) *peer = FromSockaddr(name);
  return Result(fcntl(fd, F_SETFD, FD_CLOEXEC));
}

int Duplicate(int fd) { return Result(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

int Unblock(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return Result(flags < 0 ? flags : fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

int LocalAddress(int fd, Address* local) {
  AnyAddress name = {};
  socklen_t length = sizeof(name);
  if (getsockname(fd, &name.generic, &length) != 0) return -errno;
  *local = FromSockaddr(name);
  return 0;
}

int Recv(int fd, uint8_t* bytes, size_t length) {
  return Result(recv(fd, bytes, Bounded(length), 0));
}

int Send(int fd, const uint8_t* bytes, size_t length, bool more) {
  const int flags = system::kSendFlags | (more ? system::kMoreFlag : 0);
  return Result(send(fd, bytes, Bounded(length), flags));
}

int Sendv(int fd, const uint8_t* first, size_t first_length, const uint8_t* second,
          size_t second_length) {
  if (second_length == 0) return Send(fd, first, first_length);
  if (first_length == 0) return Send(fd, second, second_length);
  iovec pieces[2] = {{const_cast<uint8_t*>(first), Bounded(first_length)},
                     {const_cast<uint8_t*>(second), Bounded(second_length)}};
  msghdr message = {};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  return Result(sendmsg(fd, &message, system::kSendFlags));
}

int ShutdownWrite(int fd) { return Result(shutdown(fd, SHUT_WR)); }

int Unacknowledged(int fd) {
  int bytes = 0;
  const int status = Result(ioctl(fd, TIOCOUTQ, &bytes));
  return status < 0 ? status : bytes;
}

int Close(int fd) { return Result(close(fd)); }

int ResetOnClose(int fd) {
  const linger now = {1, 0};
  return Result(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
}

}  // namespace epoll_server
