// The load generator inside the emulated machine. Each of 64 clients sends its next request when
// it has its response, for a fixed number of requests. It reads the processor time of the server's
// main thread before and after; in this machine a nanosecond is one instruction.
//   client PID PORT PATH WARM_UP REQUESTS ROUNDS [conditional]
// Prints a line for each round: the instructions of the server's main thread per request.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 64
#define HEAD_BYTES 4096

// Compiler threads become idle meanwhile; after some seconds V8 would collect garbage.
#define REST_NANOSECONDS 500000000

static struct {
  int fd;
  char head[HEAD_BYTES];
  size_t head_length;
  long left;  // of the content; -1: its head has not ended
} clients[CLIENTS];
static char request[HEAD_BYTES];
static char tag[256];
static long to_send, to_receive;
static int poller;

static void check(int holds, const char* what) {
  if (holds) return;
  perror(what);
  exit(1);
}

static void send_request(int i) {
  clients[i].head_length = 0;
  clients[i].left = -1;
  to_send--;
  const ssize_t length = (ssize_t)strlen(request);
  check(send(clients[i].fd, request, (size_t)length, 0) == length, "send");
}

// Returns how many of the bytes belong to the head, which may end within them.
static size_t append_head(int i, const char* bytes, size_t length) {
  const size_t before = clients[i].head_length;
  check(before + length < HEAD_BYTES || before == 0, "head");
  const size_t room = HEAD_BYTES - 1 - before;
  const size_t copied = length < room ? length : room;
  memcpy(clients[i].head + before, bytes, copied);
  clients[i].head[before + copied] = '\0';
  clients[i].head_length += copied;
  const char* end = strstr(clients[i].head, "\r\n\r\n");
  if (end == NULL) return copied;
  const char* length_field = strcasestr(clients[i].head, "\r\nContent-Length: ");
  const int is_content =
      strncmp(clients[i].head + 9, "304", 3) != 0 && length_field != NULL && length_field < end;
  clients[i].left = is_content ? atol(length_field + 18) : 0;
  const char* found = strcasestr(clients[i].head, "\r\nETag: ");
  if (found != NULL && tag[0] == '\0') sscanf(found + 8, "%255[^\r]", tag);
  return (size_t)(end + 4 - clients[i].head) - before;
}

static void receive_response(int i) {
  static char bytes[1 << 18];
  for (;;) {
    const ssize_t count = recv(clients[i].fd, bytes, sizeof(bytes), 0);
    if (count < 0) return;
    check(count > 0, "the server closed a connection");
    const size_t head = clients[i].left < 0 ? append_head(i, bytes, (size_t)count) : 0;
    if (clients[i].left < 0) continue;
    clients[i].left -= count - (ssize_t)head;
    check(clients[i].left >= 0, "more bytes than announced");
    if (clients[i].left > 0) continue;
    to_receive--;
    if (to_send > 0) send_request(i);
    return;
  }
}

static void run_requests(long requests) {
  to_send = to_receive = requests;
  for (int i = 0; i < CLIENTS && to_send > 0; i++) send_request(i);
  struct epoll_event events[CLIENTS];
  while (to_receive > 0) {
    const int count = epoll_wait(poller, events, CLIENTS, -1);
    for (int i = 0; i < count; i++) receive_response((int)events[i].data.u32);
  }
}

static void pause_compilers(void) {
  const struct timespec time = {0, REST_NANOSECONDS};
  nanosleep(&time, NULL);
}

static unsigned long long instructions_of(int pid) {
  char name[64];
  unsigned long long count = 0;
  snprintf(name, sizeof(name), "/proc/%d/task/%d/schedstat", pid, pid);
  FILE* file = fopen(name, "r");
  check(file != NULL && fscanf(file, "%llu", &count) == 1, name);
  fclose(file);
  return count;
}

// An instruction that counter.c recognises: it writes the count since the last one.
static void __attribute__((noinline)) mark(void) {
  __asm__ volatile("movl $0x51c0ffee, %%eax" : : : "eax");
}

// A process of SCHED_BATCH that wakes does not preempt the running one (sched(7)): each runs until
// it waits, so that both servers get batches of one size.
static void disable_preemption(int pid) {
  const struct sched_param parameters = {0};
  char name[64];
  snprintf(name, sizeof(name), "/proc/%d/task", pid);
  DIR* threads = opendir(name);
  check(threads != NULL, name);
  for (struct dirent* thread; (thread = readdir(threads)) != NULL;) {
    if (thread->d_name[0] == '.') continue;
    check(sched_setscheduler(atoi(thread->d_name), SCHED_BATCH, &parameters) == 0, "SCHED_BATCH");
  }
  closedir(threads);
  check(sched_setscheduler(0, SCHED_BATCH, &parameters) == 0, "SCHED_BATCH");
}

static void connect_clients(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  poller = epoll_create1(0);
  for (int i = 0; i < CLIENTS; i++) {
    clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(clients[i].fd, (struct sockaddr*)&address, sizeof(address)) == 0, "connect");
    check(fcntl(clients[i].fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)i};
    check(epoll_ctl(poller, EPOLL_CTL_ADD, clients[i].fd, &event) == 0, "epoll_ctl");
  }
}

int main(int count, char** arguments) {
  check(count >= 7, "client PID PORT PATH WARM_UP REQUESTS ROUNDS [conditional]");
  const int pid = atoi(arguments[1]);
  const long requests = atol(arguments[5]);
  disable_preemption(pid);
  connect_clients(atoi(arguments[2]));
  int length =
      snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: emulated\r\n", arguments[3]);
  snprintf(request + length, sizeof(request) - (size_t)length, "\r\n");
  run_requests(1);
  if (count > 7) length += sprintf(request + length, "If-None-Match: %s\r\n", tag);
  snprintf(request + length, sizeof(request) - (size_t)length, "\r\n");
  run_requests(atol(arguments[4]));
  for (int round = 0; round < atoi(arguments[6]); round++) {
    pause_compilers();
    const unsigned long long before = instructions_of(pid);
    mark();
    run_requests(requests);
    mark();
    pause_compilers();
    printf("%.1f\n", (double)(instructions_of(pid) - before) / (double)requests);
  }
  return 0;
}
