// Non-blocking stream sockets of TCP and of unix(7): the system calls of socket(7), each of which
// returns a count or -errno. Every descriptor made here is close-on-exec and non-blocking, and
// never raises SIGPIPE.
#ifndef EPOLL_SERVER_NATIVE_SOCKET_H_
#define EPOLL_SERVER_NATIVE_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace epoll_server {

// An IPv4 or IPv6 address with a port, 20 bytes: kept once for each connection.
struct Address {
  uint8_t bytes[16];
  uint16_t port;
  uint16_t family;  // AF_INET, AF_INET6, AF_UNIX (which has no bytes), or 0 when unknown

  // The textual form of inet_ntop(3), empty for AF_UNIX and when unknown.
  std::string Text() const;
};

// Binds and listens on a numeric address with SO_REUSEADDR and TCP_NODELAY (which accepted sockets
// inherit). `::` also takes IPv4 clients. With `shared`, SO_REUSEPORT lets other sockets listen on
// the same port. A negative `backlog` only binds, which reserves the port. Returns the descriptor
// or -errno (-EINVAL: not numeric).
int Listen(const char* host, int port, int backlog, bool shared = false);

// Binds a Unix domain socket to `path` and listens there. The file has the permissions `mode`
// before the first client can connect, or those of umask(2) when `mode` is negative. Returns the
// descriptor or -errno (-ENAMETOOLONG: longer than sun_path; -EADDRINUSE: the file exists).
int ListenUnix(const char* path, int mode, int backlog);

// Begins to connect to a numeric address, with TCP_NODELAY, and does not wait for the result.
// Returns the descriptor, whose connection may still be in progress, or -errno (-EINVAL: not
// numeric).
int Connect(const char* host, int port, Address* peer);

// Connects to the Unix domain socket `path`. Returns the descriptor or -errno (-EAGAIN: the backlog
// of the listener is full; -ECONNREFUSED: the file exists but no program listens).
int ConnectUnix(const char* path);

// Connects to the Unix domain socket `path` and closes the connection. Returns 0 or -errno
// (-ECONNREFUSED: the file exists but no program listens; -EAGAIN: the backlog of the listener is
// full).
int ProbeUnix(const char* path);

// Sends one datagram to the Unix domain socket `path`; an abstract name begins with @. Does not
// block. Returns 0 or -errno (-EAGAIN: the receiver is full; -EMSGSIZE: it is too long).
int SendDatagram(const char* path, const uint8_t* bytes, size_t length);

// Sets what Listen sets, on a listening socket of another program: TCP_NODELAY and non-blocking.
// Returns 0 or -errno (-EINVAL: not listening, or not a stream socket).
int PrepareListener(int fd);

// The path that a Unix domain socket is bound to; an abstract name begins with @. Empty for other
// or unbound sockets.
std::string LocalPath(int fd);

// accept(2). Returns the descriptor, with the peer in `*peer`, or -errno. A `blocking` descriptor
// blocks in recv(2), and for at most kBlockingSendMs in a call that sends.
int Accept(int listener, Address* peer, bool blocking = false);
constexpr int kBlockingSendMs = 100;

// Prepares a socket that another process or thread opened: sets close-on-exec and writes its peer
// to `*peer`. Returns 0 or -errno (-ENOTSOCK).
int Adopt(int fd, Address* peer);

// Another descriptor of the same open socket, close-on-exec. Returns it or -errno.
int Duplicate(int fd);

// Makes a blocking descriptor non-blocking, also in other processes that share the socket. Returns
// 0 or -errno.
int Unblock(int fd);

// getsockname(2). Returns 0 or -errno.
int LocalAddress(int fd, Address* local);

// recv(2). Returns the bytes received, 0 at the peer's end, or -errno.
int Recv(int fd, uint8_t* bytes, size_t length);

// The same, but returns -EAGAIN when no bytes have arrived, also on a blocking descriptor.
int RecvNow(int fd, uint8_t* bytes, size_t length);

// send(2). Returns the bytes accepted, which may be fewer, or -errno. `more`: more follows at once.
int Send(int fd, const uint8_t* bytes, size_t length, bool more = false);

// Sends two pieces with one call: sendmsg(2), or send(2) when one of them is empty. Returns the
// bytes accepted of both together, or -errno.
int Sendv(int fd, const uint8_t* first, size_t first_length, const uint8_t* second,
          size_t second_length);

// shutdown(SHUT_WR): sends FIN; receiving still works. Returns 0 or -errno.
int ShutdownWrite(int fd);

// Bytes sent that the peer has not acknowledged (SIOCOUTQ of tcp(7), which is TIOCOUTQ). -errno
// where sockets do not support it.
int Unacknowledged(int fd);

// close(2), never repeated after EINTR: the descriptor is gone either way. Returns 0 or -errno.
int Close(int fd);

// Makes close(2) discard what is unsent and answer the peer with RST (SO_LINGER of 0).
int ResetOnClose(int fd);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_SOCKET_H_
