/* The lower bound: an edge-triggered epoll loop that searches the empty line behind each head
 * and sends the same response to every request. It uses one recv, one scan and one send for all
 * requests that arrive together. No HTTP server can do less.
 * floor [CONTENT]: the content of every response (default: n=123456) */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kMaxDescriptors = 1 << 20, kInputSize = 65536, kResponsesPerSend = 64 };

static const char kEmptyLine[] = "\r\n\r\n";
enum { kEmptyLineLength = sizeof kEmptyLine - 1, kMaxKept = kEmptyLineLength - 1 };

/* Of an incomplete head only the last bytes matter: the empty line may begin in them. */
static struct {
  unsigned char length;
  char bytes[kMaxKept];
} kept[kMaxDescriptors];

static char input[kMaxKept + kInputSize];

/* The same response kResponsesPerSend times. */
static char* responses;
static size_t response_length;

static int PrepareResponses(const char* content) {
  static const char kFormat[] =
      "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n\r\n%s";
  size_t capacity = sizeof kFormat + 20 + strlen(content);
  responses = malloc(capacity * kResponsesPerSend);
  if (responses == NULL) return -1;
  response_length = (size_t)snprintf(responses, capacity, kFormat, strlen(content), content);
  for (int i = 1; i < kResponsesPerSend; i++)
    memcpy(responses + i * response_length, responses, response_length);
  return 0;
}

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
    if (fd >= kMaxDescriptors) {
      close(fd);
      continue;
    }
    kept[fd].length = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

/* Counts the heads that end in `length` received bytes, which begin at input + kMaxKept. */
static size_t CountHeads(int fd, size_t length) {
  char* from = input + kMaxKept - kept[fd].length;
  char* end = input + kMaxKept + length;
  size_t count = 0;
  memcpy(from, kept[fd].bytes, kept[fd].length);
  for (;;) {
    char* found = memmem(from, end - from, kEmptyLine, kEmptyLineLength);
    if (found == NULL) break;
    count++;
    from = found + kEmptyLineLength;
  }
  if (end - from > kMaxKept) from = end - kMaxKept;
  kept[fd].length = end - from;
  memcpy(kept[fd].bytes, from, end - from);
  return count;
}

/* -1: the client does not read its responses, and unsent bytes are not kept. */
static int Respond(int fd, size_t count) {
  while (count > 0) {
    size_t batch = count < kResponsesPerSend ? count : kResponsesPerSend;
    ssize_t length = batch * response_length;
    if (send(fd, responses, length, MSG_NOSIGNAL) != length) return -1;
    count -= batch;
  }
  return 0;
}

/* -1: close the connection. After a short count the next edge comes, unless the client has closed
 * its end already. */
static int Serve(int fd, int has_ended) {
  for (;;) {
    ssize_t length = recv(fd, input + kMaxKept, kInputSize, 0);
    if (length < 0 && errno == EAGAIN) return 0;
    if (length <= 0 || Respond(fd, CountHeads(fd, length)) != 0) return -1;
    if (length < kInputSize && !has_ended) return 0;
  }
}

int main(int argc, char** argv) {
  struct epoll_event events[256];
  if (PrepareResponses(argc > 1 ? argv[1] : "n=123456") != 0) return 1;
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
      } else if (Serve(fd, (events[i].events & EPOLLRDHUP) != 0) != 0) {
        close(fd);
      }
    }
  }
}
