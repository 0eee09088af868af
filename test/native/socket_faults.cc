// The program's own send(2) and recv(2) come before those of the C library, which the other files
// call through them.
#include "socket_faults.h"

#include <dlfcn.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace {

constexpr uint32_t kMaxBytes = 9;

int faulty = -1;
int send_calls = 0;
uint32_t state = 1;

uint32_t Below(uint32_t bound) {
  state = state * 1664525 + 1013904223;
  return (state >> 16) % bound;
}

// Sets errno when the call fails.
bool Fails(int fd) {
  if (fd != faulty || Below(2) == 0) return false;
  errno = Below(4) == 0 ? EINTR : EAGAIN;
  return true;
}

size_t Shortened(int fd, size_t length) {
  return fd == faulty ? std::min<size_t>(length, 1 + Below(kMaxBytes)) : length;
}

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" ssize_t send(int fd, const void* bytes, size_t length, int flags) {
  static auto* const real = Real<decltype(send)>("send");
  ++send_calls;
  return Fails(fd) ? -1 : real(fd, bytes, Shortened(fd, length), flags);
}

extern "C" ssize_t recv(int fd, void* bytes, size_t length, int flags) {
  static auto* const real = Real<decltype(recv)>("recv");
  return Fails(fd) ? -1 : real(fd, bytes, Shortened(fd, length), flags);
}

namespace epoll_server::test {

SocketFaults::SocketFaults(int fd, uint32_t seed) {
  faulty = fd;
  state = seed;
}

SocketFaults::~SocketFaults() { faulty = -1; }

int SendCalls() { return send_calls; }

}  // namespace epoll_server::test
