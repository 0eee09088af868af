// The system calls that differ between Linux and the BSDs (macOS among them). binding.gyp chooses
// the implementation, one file for each family.
#ifndef EPOLL_SERVER_NATIVE_SYSTEM_H_
#define EPOLL_SERVER_NATIVE_SYSTEM_H_

#include <sys/socket.h>

namespace epoll_server::system {

// Flags of every send(2): no SIGPIPE, and no blocking even where the descriptor would.
extern const int kSendFlags;
// The send(2) flag for "more follows at once", so that both parts leave in one segment; 0 where it
// is missing.
extern const int kMoreFlag;

// Whether the system distributes new clients among sockets that share a port by SO_REUSEPORT.
extern const bool kReusePortBalances;

// socket(2) for TCP: non-blocking and close-on-exec. Returns the descriptor or -errno.
int OpenSocket(int family);

// The system sends `signal` (0: none) to this process when the thread that started it ends. Only
// Linux does; elsewhere nothing happens. Returns 0 or -errno.
int SetParentDeathSignal(int signal);

// accept(2): close-on-exec, and non-blocking unless `blocking`. Returns the descriptor or -errno.
int AcceptSocket(int listener, sockaddr* peer, socklen_t* length, bool blocking);

// The address of the peer. Where possible, also after the peer has reset the connection. `*length`
// is the length of the address. Returns 0, or -1 and sets errno.
int PeerName(int fd, sockaddr* peer, socklen_t* length);

}  // namespace epoll_server::system

#endif  // EPOLL_SERVER_NATIVE_SYSTEM_H_
