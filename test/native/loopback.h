// Clients of the loopback interface, with plain system calls, so that they share no code with the
// server. They block; only the descriptors under test do not.
#ifndef EPOLL_SERVER_TEST_NATIVE_LOOPBACK_H_
#define EPOLL_SERVER_TEST_NATIVE_LOOPBACK_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "socket.h"

namespace epoll_server::test {

// The number of entries of /proc/self/fd.
int OpenDescriptorCount();

// A blocking client of a numeric address, or -errno.
int ConnectTo(const char* host, int port);

// Whether this system lets a socket listen on `::1`: 0 or -errno.
int ProbeIpv6();

// Reads until `length` bytes or the end have arrived.
std::string ReadText(int fd, size_t length);

// Writes all of `text`.
void WriteText(int fd, const std::string& text);

// Waits until `fd` is readable, at most ten seconds. False: it is not.
bool BecomesReadable(int fd);

// The two ends of a connection over 127.0.0.1: the accepted one and a blocking client. Closes both.
struct Pair {
  Pair();
  ~Pair();
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // Closes the client early.
  void CloseClient();

  int listener;
  int server;
  int client;
  Address peer = {};
};

const uint8_t* BytesOf(const std::string& text);

}  // namespace epoll_server::test

#endif  // EPOLL_SERVER_TEST_NATIVE_LOOPBACK_H_
