/* The floor: an edge-triggered epoll loop that does not read what it receives and answers each recv with
 * the same bytes. One recv and one send per request; no HTTP server can do less. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char kAnswer[] =
    "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 8\r\n\r\nn=123456";

static int Listen(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(fd, (struct sockaddr*)&address, size) != 0 || listen(fd, 4096) != 0) return -1;
  getsockname(fd, (struct sockaddr*)&address, &size);
  printf("PORT %d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

static void AcceptAll(int epoll, int listener) {
  int one = 1;
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

int main(void) {
  static char input[65536];
  struct epoll_event events[256];
  int listener = Listen();
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = listener};
  if (listener < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) return 1;
  for (;;) {
    int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        AcceptAll(epoll, listener);
      } else if (recv(fd, input, sizeof input, 0) > 0) {
        send(fd, kAnswer, sizeof kAnswer - 1, MSG_NOSIGNAL);
      } else {
        close(fd);
      }
    }
  }
}
