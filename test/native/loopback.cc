// Implements the clients of loopback.h with plain system calls.
#include "loopback.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness.h"

namespace epoll_server::test {
namespace {

constexpr int kTimeoutMs = 10000;

int ConnectV4(const char* host, int port) {
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, host, &to.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0) return fd;
  const int error = errno;
  close(fd);
  return -error;
}

int ConnectV6(const char* host, int port) {
  sockaddr_in6 to = {};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET6, host, &to.sin6_addr);
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  if (fd < 0) return -errno;
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0) return fd;
  const int error = errno;
  close(fd);
  return -error;
}

}  // namespace

int OpenDescriptorCount() {
  int count = 0;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return -errno;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

int ConnectTo(const char* host, int port) {
  return std::strchr(host, ':') == nullptr ? ConnectV4(host, port) : ConnectV6(host, port);
}

int ProbeIpv6() {
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  if (fd < 0) return -errno;
  sockaddr_in6 any = {};
  any.sin6_family = AF_INET6;
  any.sin6_addr = in6addr_loopback;
  const int status = bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof(any)) == 0 ? 0 : -errno;
  close(fd);
  return status;
}

std::string ReadText(int fd, size_t length) {
  std::string text;
  char bytes[4096];
  while (text.size() < length && BecomesReadable(fd)) {
    const size_t wanted = length - text.size();
    const ssize_t count = recv(fd, bytes, wanted < sizeof(bytes) ? wanted : sizeof(bytes), 0);
    if (count <= 0) break;
    text.append(bytes, static_cast<size_t>(count));
  }
  return text;
}

void WriteText(int fd, const std::string& text) {
  CHECK_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

bool BecomesReadable(int fd) {
  pollfd wanted = {fd, POLLIN, 0};
  return poll(&wanted, 1, kTimeoutMs) == 1;
}

Pair::Pair() {
  listener = Listen("127.0.0.1", 0, 16);
  CHECK(listener >= 0);
  Address local = {};
  CHECK_EQ(LocalAddress(listener, &local), 0);
  client = ConnectTo("127.0.0.1", local.port);
  CHECK(client >= 0);
  CHECK(BecomesReadable(listener));
  server = Accept(listener, &peer);
  CHECK(server >= 0);
}

Pair::~Pair() {
  CloseClient();
  Close(server);
  Close(listener);
}

void Pair::CloseClient() {
  if (client >= 0) close(client);
  client = -1;
}

const uint8_t* BytesOf(const std::string& text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace epoll_server::test
