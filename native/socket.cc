// Opens, configures and uses stream sockets; system_linux.cc and system_bsd.cc have what differs.
#include "socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstddef>
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

// JavaScript receives counts as 32-bit integers.
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

// Returns 0 when the path does not fit.
socklen_t ToUnixSockaddr(const char* path, sockaddr_un* to) {
  const size_t length = std::strlen(path);
  if (length >= sizeof(to->sun_path)) return 0;
  std::memset(to, 0, sizeof(*to));
  to->sun_family = AF_UNIX;
  std::memcpy(to->sun_path, path, length);
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + 1);
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

// bind(2), chmod(2), listen(2), in this order: no client can connect before the mode is set.
int PrepareUnix(int fd, const sockaddr_un& address, socklen_t length, int mode, int backlog) {
  const int status = Result(bind(fd, reinterpret_cast<const sockaddr*>(&address), length));
  if (status != 0) return status;
  const int restricted = mode < 0 ? 0 : Result(chmod(address.sun_path, static_cast<mode_t>(mode)));
  const int result = restricted == 0 ? Result(listen(fd, backlog)) : restricted;
  if (result != 0) unlink(address.sun_path);
  return result;
}

// connect(2) of a non-blocking socket. Returns 0 or -errno. After EINTR, the connection is still
// being made, as after EINPROGRESS.
int BeginConnect(int fd, const sockaddr* address, socklen_t length) {
  const int status = Result(connect(fd, address, length));
  return status == -EINPROGRESS || status == -EINTR ? 0 : status;
}

// An integer option of a socket, or -errno.
int GetOption(int fd, int name) {
  int value = 0;
  socklen_t length = sizeof(value);
  const int status = Result(getsockopt(fd, SOL_SOCKET, name, &value, &length));
  return status < 0 ? status : value;
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

int ListenUnix(const char* path, int mode, int backlog) {
  sockaddr_un address;
  const socklen_t length = ToUnixSockaddr(path, &address);
  if (length == 0) return -ENAMETOOLONG;
  const int fd = system::OpenSocket(AF_UNIX);
  if (fd < 0) return fd;
  const int status = PrepareUnix(fd, address, length, mode, backlog);
  if (status == 0) return fd;
  Close(fd);
  return status;
}

int Connect(const char* host, int port, Address* peer) {
  AnyAddress address;
  const socklen_t length = ToSockaddr(host, port, &address);
  if (length == 0 || port < 1 || port > 65535) return -EINVAL;
  const int fd = system::OpenSocket(address.generic.sa_family);
  if (fd < 0) return fd;
  int status = SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (status == 0) status = BeginConnect(fd, &address.generic, length);
  *peer = FromSockaddr(address);
  if (status == 0) return fd;
  Close(fd);
  return status;
}

int ConnectUnix(const char* path) {
  sockaddr_un address;
  const socklen_t length = ToUnixSockaddr(path, &address);
  if (length == 0) return -ENAMETOOLONG;
  const int fd = system::OpenSocket(AF_UNIX);
  if (fd < 0) return fd;
  const int status = BeginConnect(fd, reinterpret_cast<const sockaddr*>(&address), length);
  if (status == 0) return fd;
  Close(fd);
  return status;
}

int ProbeUnix(const char* path) {
  const int fd = ConnectUnix(path);
  if (fd >= 0) Close(fd);
  return fd < 0 ? fd : 0;
}

int SendDatagram(const char* path, const uint8_t* bytes, size_t length) {
  sockaddr_un address;
  const socklen_t size = ToUnixSockaddr(path, &address);
  if (size == 0) return -ENAMETOOLONG;
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const int fd = Result(socket(AF_UNIX, SOCK_DGRAM, 0));
  if (fd < 0) return fd;
  const int status = Result(fcntl(fd, F_SETFD, FD_CLOEXEC));
  const int sent = status < 0 ? status
                              : Result(sendto(fd, bytes, Bounded(length), MSG_DONTWAIT,
                                              reinterpret_cast<const sockaddr*>(&address), size));
  Close(fd);
  return sent < 0 ? sent : 0;
}

int PrepareListener(int fd) {
  const int type = GetOption(fd, SO_TYPE);
  if (type < 0) return type;
  // On a system without this option, accept(2) fails later.
  const int listens = GetOption(fd, SO_ACCEPTCONN);
  if (type != SOCK_STREAM || listens == 0) return -EINVAL;
  Address local = {};
  int status = LocalAddress(fd, &local);
  if (status == 0 && local.family != AF_UNIX) status = SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  return status == 0 ? Unblock(fd) : status;
}

std::string LocalPath(int fd) {
  sockaddr_un name = {};
  socklen_t length = sizeof(name);
  sockaddr* generic = reinterpret_cast<sockaddr*>(&name);
  if (getsockname(fd, generic, &length) != 0 || name.sun_family != AF_UNIX) return "";
  const size_t start = offsetof(sockaddr_un, sun_path);
  if (length <= start) return "";
  // Linux has abstract names without a file, which begin with NUL; ss(8) shows it as @.
  if (name.sun_path[0] == '\0') return "@" + std::string(name.sun_path + 1, length - start - 1);
  // A path that fills sun_path has no NUL behind it.
  return std::string(name.sun_path, strnlen(name.sun_path, sizeof(name.sun_path)));
}

int Accept(int listener, Address* peer, bool blocking) {
  AnyAddress from = {};
  socklen_t length = sizeof(from);
  const int fd = system::AcceptSocket(listener, &from.generic, &length, blocking);
  if (fd < 0) return fd;
  *peer = FromSockaddr(from);
  // sendfile(2) has no flags: only this keeps it from blocking for ever on a slow client.
  const timeval limit = {0, kBlockingSendMs * 1000};
  if (blocking) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  return fd;
}

int Adopt(int fd, Address* peer) {
  AnyAddress name = {};
  socklen_t length = sizeof(name);
  if (getsockname(fd, &name.generic, &length) != 0) return -errno;
  // The path of a Unix domain socket may be longer than the buffer, and is truncated.
  if (length > sizeof(name)) length = sizeof(name);
  // A listening socket has no peer. Other sockets have a peer address of the same length.
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

int RecvNow(int fd, uint8_t* bytes, size_t length) {
  return Result(recv(fd, bytes, Bounded(length), MSG_DONTWAIT));
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
