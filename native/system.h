// What Linux and the BSDs (macOS among them) call differently about sockets: one declaration here,
// one file for each family, chosen in binding.gyp. It must not know who calls.
#ifndef EPOLL_SERVER_NATIVE_SYSTEM_H_
#define EPOLL_SERVER_NATIVE_SYSTEM_H_

#include <sys/socket.h>

namespace epoll_server::system {

// Flags of every send(2): no SIGPIPE, and no blocking even where the descriptor would.
extern const int kSendFlags;
// More follows at once, so that both leave in one segment; 0 where the system cannot be told.
extern const int kMoreFlag;

// Whether the system shares new clients among sockets that listen on one port by SO_REUSEPORT.
extern const bool kReusePortBalances;

// socket(2) for TCP: non-blocking and close-on-exec. Returns the descriptor or -errno.
int OpenSocket(int family);

// accept(2): close-on-exec, and non-blocking unless `blocking`. Returns the descriptor or -errno.
int AcceptSocket(int listener, sockaddr* peer, socklen_t* length, bool blocking);

// The address of the peer, also of one that has reset the connection where the system still knows
// it; `*length` is that of the address. Returns 0, or -1 and sets errno.
int PeerName(int fd, sockaddr* peer, socklen_t* length);

}  // namespace epoll_server::system

#endif  // EPOLL_SERVER_NATIVE_SYSTEM_H_
