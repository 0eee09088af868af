// The load inside the emulated machine: 64 clients ask again when they have their answer, so many
// times and no more, and the processor time of a server's main thread is read before and after.
// There a nanosecond is an instruction.
//   client PID PORT PATH WARM_UP REQUESTS ROUNDS [conditional]
// Prints a line for each round: the instructions of the server's main thread for one request.
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

// Threads that compile come to rest meanwhile; after some seconds of it V8 would tidy its memory up.
#define REST_NANOSECONDS 500000000

static struct {
  int fd;
  char head[HEAD_BYTES];
  size_t head_length;
  long left;  // of the content; -1: its head has not ended
} clients[CLIENTS];
static char request[HEAD_BYTES];
static char tag[256];
static long to_send, to_come;
static int poller;

static void check(int holds, const char* what) {
  if (holds) return;
  perror(what);
  exit(1);
}

static void ask(int i) {
  clients[i].head_length = 0;
  clients[i].left = -1;
  to_send--;
  const ssize_t length = (ssize_t)strlen(request);
  check(send(clients[i].fd, request, (size_t)length, 0) == length, "send");
}

// Returns how many of the bytes belong to the head, which may end with them.
static size_t take_head(int i, const char* bytes, size_t length) {
  const size_t before = clients[i].head_length;
  check(before + length < HEAD_BYTES || before == 0, "head");
  const size_t room = HEAD_BYTES - 1 - before;
  const size_t taken = length < room ? length : room;
  memcpy(clients[i].head + before, bytes, taken);
  clients[i].head[before + taken] = '\0';
  clients[i].head_length += taken;
  const char* end = strstr(clients[i].head, "\r\n\r\n");
  if (end == NULL) return taken;
  const char* told = strcasestr(clients[i].head, "\r\nContent-Length: ");
  const int is_content = strncmp(clients[i].head + 9, "304", 3) != 0 && told != NULL && told < end;
  clients[i].left = is_content ? atol(told + 18) : 0;
  const char* found = strcasestr(clients[i].head, "\r\nETag: ");
  if (found != NULL && tag[0] == '\0') sscanf(found + 8, "%255[^\r]", tag);
  return (size_t)(end + 4 - clients[i].head) - before;
}

static void hear(int i) {
  static char bytes[1 << 18];
  for (;;) {
    const ssize_t count = recv(clients[i].fd, bytes, sizeof(bytes), 0);
    if (count < 0) return;
    check(count > 0, "the server closed a connection");
    const size_t head = clients[i].left < 0 ? take_head(i, bytes, (size_t)count) : 0;
    if (clients[i].left < 0) continue;
    clients[i].left -= count - (ssize_t)head;
    check(clients[i].left >= 0, "more came than was announced");
    if (clients[i].left > 0) continue;
    to_come--;
    if (to_send > 0) ask(i);
    return;
  }
}

static void converse(long requests) {
  to_send = to_come = requests;
  for (int i = 0; i < CLIENTS && to_send > 0; i++) ask(i);
  struct epoll_event events[CLIENTS];
  while (to_come > 0) {
    const int count = epoll_wait(poller, events, CLIENTS, -1);
    for (int i = 0; i < count; i++) hear((int)events[i].data.u32);
  }
}

static void rest(void) {
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

// An instruction that counter.c knows: it writes what it has counted since the last one.
static void __attribute__((noinline)) mark(void) {
  __asm__ volatile("movl $0x51c0ffee, %%eax" : : : "eax");
}

// Nobody is interrupted when another wakes: each runs until it waits, so that both servers get
// batches of one size.
static void take_turns(int pid) {
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

static void come(int port) {
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

int main(int count, char** given) {
  check(count >= 7, "client PID PORT PATH WARM_UP REQUESTS ROUNDS [conditional]");
  const int pid = atoi(given[1]);
  const long requests = atol(given[5]);
  take_turns(pid);
  come(atoi(given[2]));
  int length =
      snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: emulated\r\n", given[3]);
  snprintf(request + length, sizeof(request) - (size_t)length, "\r\n");
  converse(1);
  if (count > 7) length += sprintf(request + length, "If-None-Match: %s\r\n", tag);
  snprintf(request + length, sizeof(request) - (size_t)length, "\r\n");
  converse(atol(given[4]));
  for (int round = 0; round < atoi(given[6]); round++) {
    rest();
    const unsigned long long before = instructions_of(pid);
    mark();
    converse(requests);
    mark();
    rest();
    printf("%.1f\n", (double)(instructions_of(pid) - before) / (double)requests);
  }
  return 0;
}
