// Tests the calls of socket.h over the loopback interface, and over Unix domain sockets.
#include "socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "harness.h"
#include "loopback.h"

namespace epoll_server {

using test::BecomesReadable;
using test::BytesOf;
using test::Pair;

namespace {

int Option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof(value);
  getsockopt(fd, level, name, &value, &length);
  return value;
}

void CheckFlags(int fd) {
  CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
}

std::string RecvText(int fd) {
  uint8_t bytes[64];
  if (!BecomesReadable(fd)) return "no bytes arrived";
  const int count = Recv(fd, bytes, sizeof(bytes));
  return count < 0 ? strerror(-count) : std::string(bytes, bytes + count);
}

// A path that does not exist.
std::string TemporaryPath() {
  static int count = 0;
  return "/tmp/epoll-server-" + std::to_string(getpid()) + "-" + std::to_string(++count);
}

sockaddr_un UnixAddress(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

int BindUnix(int fd, const std::string& path) {
  const sockaddr_un address = UnixAddress(path);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

int ConnectUnix(int fd, const std::string& path) {
  const sockaddr_un address = UnixAddress(path);
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

// Checks the addresses of a socket that listens on `host`, and of a client that connects by
// `through`.
void CheckConversation(const char* host, const char* through, const std::string& seen_as) {
  const int listener = Listen(host, 0, 8);
  CHECK(listener >= 0);
  Address local = {};
  CHECK_EQ(LocalAddress(listener, &local), 0);
  CHECK_EQ(local.Text(), std::string(host));
  CHECK(local.port != 0);
  const int client = test::ConnectTo(through, local.port);
  CHECK(client >= 0);
  CHECK(BecomesReadable(listener));
  Address peer = {};
  const int server = Accept(listener, &peer);
  Address client_address = {};
  CHECK_EQ(LocalAddress(client, &client_address), 0);
  CHECK_EQ(peer.Text(), seen_as);
  CHECK_EQ(peer.port, client_address.port);
  CHECK_EQ(Send(server, BytesOf("hello"), 5), 5);
  CHECK_EQ(test::ReadText(client, 5), std::string("hello"));
  test::WriteText(client, "good day");
  CHECK_EQ(RecvText(server), std::string("good day"));
  close(client);
  CHECK_EQ(Close(server), 0);
  CHECK_EQ(Close(listener), 0);
}

}  // namespace

TEST(SocketTalksOverIpv4) { CheckConversation("127.0.0.1", "127.0.0.1", "127.0.0.1"); }

TEST(SocketAcceptsIpv4ClientsOnAllAddresses) {
  CheckConversation("0.0.0.0", "127.0.0.1", "127.0.0.1");
}

TEST(SocketTalksOverIpv6AndAcceptsIpv4ClientsThere) {
  const int probe = test::ProbeIpv6();
  if (probe == 0) {
    CheckConversation("::1", "::1", "::1");
    CheckConversation("::", "::1", "::1");
    CheckConversation("::", "127.0.0.1", "::ffff:127.0.0.1");
  } else {
    CHECK_EQ(Listen("::1", 0, 8), probe);  // the error of a machine without IPv6
  }
}

TEST(SocketListenRefusesWhatIsNotNumeric) {
  CHECK_EQ(Listen("localhost", 0, 8), -EINVAL);
  CHECK_EQ(Listen("", 0, 8), -EINVAL);
  CHECK_EQ(Listen("127.0.0.256", 0, 8), -EINVAL);
  CHECK_EQ(Listen("127.0.0.1", -1, 8), -EINVAL);
  CHECK_EQ(Listen("127.0.0.1", 65536, 8), -EINVAL);
}

TEST(SocketListenReturnsItsError) {
  const int listener = Listen("127.0.0.1", 0, 8);
  Address local = {};
  LocalAddress(listener, &local);
  CHECK_EQ(Listen("127.0.0.1", local.port, 8), -EADDRINUSE);
  CHECK_EQ(Listen("192.0.2.1", 0, 8), -EADDRNOTAVAIL);  // TEST-NET-1 of RFC 5737: never assigned
  Close(listener);
}

TEST(SocketListensAgainWhileOldConnectionsWait) {
  const int listener = Listen("127.0.0.1", 0, 8);
  Address local = {};
  LocalAddress(listener, &local);
  const int client = test::ConnectTo("127.0.0.1", local.port);
  CHECK(BecomesReadable(listener));
  Address peer = {};
  Close(Accept(listener, &peer));  // ours ends first: TIME_WAIT is on this side
  close(client);
  Close(listener);
  const int again = Listen("127.0.0.1", local.port, 8);
  CHECK(again >= 0);
  Close(again);
}

TEST(SocketMakesOnlyNonBlockingCloseOnExecDescriptors) {
  const Pair pair;
  CheckFlags(pair.listener);
  CheckFlags(pair.server);
}

TEST(SocketInheritsNoDelay) {
  const Pair pair;
  CHECK_EQ(Option(pair.listener, IPPROTO_TCP, TCP_NODELAY), 1);
  CHECK_EQ(Option(pair.server, IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST(SocketAcceptWithoutAClientIsEagain) {
  const int listener = Listen("127.0.0.1", 0, 8);
  Address peer = {};
  CHECK_EQ(Accept(listener, &peer), -EAGAIN);
  Close(listener);
  CHECK_EQ(Accept(listener, &peer), -EBADF);
}

TEST(SocketRecvDistinguishesNoBytesFromTheEnd) {
  Pair pair;
  uint8_t bytes[8];
  CHECK_EQ(Recv(pair.server, bytes, sizeof(bytes)), -EAGAIN);
  test::WriteText(pair.client, "last");
  pair.CloseClient();
  CHECK_EQ(RecvText(pair.server), std::string("last"));
  CHECK(BecomesReadable(pair.server));
  CHECK_EQ(Recv(pair.server, bytes, sizeof(bytes)), 0);
  CHECK_EQ(Recv(pair.server, bytes, sizeof(bytes)), 0);
}

TEST(SocketRecvReceivesAtMostTheLength) {
  const Pair pair;
  test::WriteText(pair.client, "abcdef");
  CHECK(BecomesReadable(pair.server));
  uint8_t bytes[4] = {0, 0, 0, 'x'};
  CHECK_EQ(Recv(pair.server, bytes, 3), 3);
  CHECK_EQ(std::string(bytes, bytes + 4), std::string("abcx"));
  CHECK_EQ(RecvText(pair.server), std::string("def"));
}

TEST(SocketSendAcceptsAPartAndThenIsEagain) {
  const Pair pair;
  const std::vector<uint8_t> megabytes(64 << 20, 'z');
  const int count = Send(pair.server, megabytes.data(), megabytes.size());
  CHECK(count > 0);
  CHECK(count < static_cast<int>(megabytes.size()));
  CHECK_EQ(Send(pair.server, megabytes.data(), megabytes.size()), -EAGAIN);
}

TEST(SocketSendAfterAResetIsAnErrorWithoutSignal) {
  Pair pair;
  const linger now = {1, 0};
  setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  pair.CloseClient();  // RST
  CHECK(BecomesReadable(pair.server));
  CHECK_EQ(Send(pair.server, BytesOf("x"), 1), -ECONNRESET);
  CHECK_EQ(Send(pair.server, BytesOf("x"), 1), -EPIPE);
  CHECK_EQ(Sendv(pair.server, BytesOf("x"), 1, BytesOf("y"), 1), -EPIPE);
}

TEST(SocketSendvSendsBothPiecesInOrder) {
  const Pair pair;
  CHECK_EQ(Sendv(pair.server, BytesOf("head "), 5, BytesOf("content"), 7), 12);
  CHECK_EQ(test::ReadText(pair.client, 12), std::string("head content"));
  CHECK_EQ(Sendv(pair.server, BytesOf(""), 0, BytesOf("second"), 6), 6);
  CHECK_EQ(test::ReadText(pair.client, 6), std::string("second"));
  CHECK_EQ(Sendv(pair.server, BytesOf("first"), 5, nullptr, 0), 5);
  CHECK_EQ(test::ReadText(pair.client, 5), std::string("first"));
}

TEST(SocketShutdownEndsSendingOnly) {
  const Pair pair;
  CHECK_EQ(ShutdownWrite(pair.server), 0);
  CHECK(BecomesReadable(pair.client));
  char byte = 0;
  CHECK_EQ(recv(pair.client, &byte, 1, 0), 0);
  test::WriteText(pair.client, "still here");
  CHECK_EQ(RecvText(pair.server), std::string("still here"));
  CHECK_EQ(Send(pair.server, BytesOf("x"), 1), -EPIPE);
}

TEST(SocketResetAnswersWithRst) {
  Pair pair;
  CHECK_EQ(ResetOnClose(pair.server), 0);
  CHECK_EQ(Close(pair.server), 0);
  CHECK(BecomesReadable(pair.client));
  char byte = 0;
  const bool failed = recv(pair.client, &byte, 1, 0) < 0;
  const int error = errno;
  CHECK(failed);
  CHECK_EQ(error, ECONNRESET);
}

TEST(SocketCloseIsAPlainEndOtherwise) {
  Pair pair;
  CHECK_EQ(Close(pair.server), 0);
  CHECK_EQ(Close(pair.server), -EBADF);
  CHECK(BecomesReadable(pair.client));
  char byte = 0;
  CHECK_EQ(recv(pair.client, &byte, 1, 0), 0);
}

TEST(SocketCallsReturnTheirErrors) {
  Address address = {};
  uint8_t byte = 0;
  CHECK_EQ(Recv(-1, &byte, 1), -EBADF);
  CHECK_EQ(Send(-1, &byte, 1), -EBADF);
  CHECK_EQ(Sendv(-1, &byte, 1, &byte, 1), -EBADF);
  CHECK_EQ(ShutdownWrite(-1), -EBADF);
  CHECK_EQ(ResetOnClose(-1), -EBADF);
  CHECK_EQ(Close(-1), -EBADF);
  CHECK_EQ(LocalAddress(-1, &address), -EBADF);
  CHECK_EQ(address.Text(), std::string(""));
}

TEST(SocketListensOnAPathWithItsMode) {
  const std::string path = TemporaryPath();
  const mode_t before = umask(0077);
  const int listener = ListenUnix(path.c_str(), 0616, 8);
  umask(before);
  CHECK(listener >= 0);
  CheckFlags(listener);
  struct stat status = {};
  CHECK_EQ(lstat(path.c_str(), &status), 0);
  CHECK(S_ISSOCK(status.st_mode));
  CHECK_EQ(status.st_mode & 07777, 0616U);
  CHECK_EQ(LocalPath(listener), path);
  CHECK_EQ(ProbeUnix(path.c_str()), 0);
  Address peer = {};
  const int server = Accept(listener, &peer);
  CHECK(server >= 0);
  CheckFlags(server);
  CHECK_EQ(peer.family, AF_UNIX);
  CHECK_EQ(peer.Text(), "");
  CHECK_EQ(peer.port, 0);
  CHECK_EQ(Recv(server, nullptr, 0), 0);
  Close(server);
  CHECK_EQ(ListenUnix(path.c_str(), -1, 8), -EADDRINUSE);
  Close(listener);
  CHECK_EQ(ProbeUnix(path.c_str()), -ECONNREFUSED);
  unlink(path.c_str());
  CHECK_EQ(ProbeUnix(path.c_str()), -ENOENT);
}

TEST(SocketSendsADatagramToAPath) {
  const std::string path = TemporaryPath();
  const auto bytes = reinterpret_cast<const uint8_t*>("READY=1");
  CHECK_EQ(SendDatagram(path.c_str(), bytes, 7), -ENOENT);
  const int receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  CHECK_EQ(bind(receiver, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  CHECK_EQ(SendDatagram(path.c_str(), bytes, 7), 0);
  char text[16] = "";
  CHECK_EQ(recv(receiver, text, sizeof(text), 0), 7);
  CHECK_EQ(std::string(text, 7), "READY=1");
  int status = 0;
  for (int i = 0; status == 0 && i < 10000; i++) status = SendDatagram(path.c_str(), bytes, 7);
  CHECK_EQ(status, -EAGAIN);
  Close(receiver);
  CHECK_EQ(SendDatagram(path.c_str(), bytes, 7), -ECONNREFUSED);
  unlink(path.c_str());
  CHECK_EQ(SendDatagram(std::string(200, 'x').c_str(), bytes, 7), -ENAMETOOLONG);
}

TEST(SocketListensOnNoPathThatIsTooLong) {
  const std::string path = "/tmp/" + std::string(200, 'x');
  CHECK_EQ(ListenUnix(path.c_str(), -1, 8), -ENAMETOOLONG);
  CHECK_EQ(ProbeUnix(path.c_str()), -ENAMETOOLONG);
  CHECK_EQ(ListenUnix("/nowhere/at/all", -1, 8), -ENOENT);
}

TEST(SocketAdoptsAClientWithALongPath) {
  // Longer than any address of TCP.
  const std::string path = TemporaryPath() + std::string(40, 'x');
  const int listener = ListenUnix(path.c_str(), -1, 8);
  CHECK(listener >= 0);
  const int client = socket(AF_UNIX, SOCK_STREAM, 0);
  const std::string named = path + "-client";
  CHECK_EQ(BindUnix(client, named), 0);
  CHECK_EQ(ConnectUnix(client, path), 0);
  Address peer = {};
  const int server = Accept(listener, &peer);
  CHECK(server >= 0);
  CHECK_EQ(Adopt(server, &peer), 0);
  CHECK_EQ(peer.family, AF_UNIX);
  CHECK_EQ(LocalPath(server), path);
  for (const int fd : {client, server, listener}) Close(fd);
  unlink(path.c_str());
  unlink(named.c_str());
}

TEST(SocketShowsAbstractNames) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_EQ(LocalPath(fd), "");
  const std::string name = "epoll-server-" + std::to_string(getpid());
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.c_str(), name.size());
  const size_t length = offsetof(sockaddr_un, sun_path) + 1 + name.size();
  CHECK_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length)),
           0);
  CHECK_EQ(LocalPath(fd), "@" + name);
  Close(fd);
}

TEST(SocketPreparesAListenerOfAnotherProgram) {
  sockaddr_in any = {};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK_EQ(bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof(any)), 0);
  CHECK_EQ(PrepareListener(fd), -EINVAL);
  CHECK_EQ(listen(fd, 8), 0);
  CHECK_EQ(PrepareListener(fd), 0);
  CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  CHECK(Option(fd, IPPROTO_TCP, TCP_NODELAY) != 0);
  CHECK_EQ(LocalPath(fd), "");
  Close(fd);
  CHECK_EQ(PrepareListener(fd), -EBADF);
  const int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
  CHECK_EQ(PrepareListener(datagrams), -EINVAL);
  Close(datagrams);
  const int file = open("/dev/null", O_RDONLY);
  CHECK_EQ(PrepareListener(file), -ENOTSOCK);
  Close(file);
}

}  // namespace epoll_server
