// kqueue(2) over poll(2), as far as a poller of TCP sockets needs it. An edge (EV_CLEAR) is a
// change in the bytes that the socket has received or had acknowledged, or in its end. A wait
// checks every millisecond. The queue's own descriptor becomes readable for user events only.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <vector>

namespace {

// The state of one filter; a difference from the reported state is an edge.
struct State {
  bool ready = false;
  bool ended = false;
  bool failed = false;
  uint64_t passed = 0;

  bool IsEdgeAfter(const State& reported) const {
    return ready && (!reported.ready || passed != reported.passed || ended != reported.ended ||
                     failed != reported.failed);
  }
};

struct Knote {
  struct kevent registered;
  ino_t file;  // a number that was closed and reused is another file
  State reported;
};

std::map<int, std::vector<Knote>> queues;

ino_t FileOf(int fd) {
  struct stat file = {};
  return fstat(fd, &file) == 0 ? file.st_ino : 0;
}

uint64_t PassedOn(int fd, int16_t filter) {
  tcp_info info = {};
  socklen_t length = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return 0;
  // A listener has received nothing, but has clients waiting.
  return filter == EVFILT_READ ? info.tcpi_bytes_received + info.tcpi_unacked
                               : info.tcpi_bytes_acked;
}

State Look(const Knote& knote) {
  const int fd = static_cast<int>(knote.registered.ident);
  const bool reads = knote.registered.filter == EVFILT_READ;
  pollfd one = {fd, static_cast<short>((reads ? POLLIN : POLLOUT) | POLLRDHUP), 0};
  if (poll(&one, 1, 0) <= 0) return {};
  State state;
  state.failed = (one.revents & POLLERR) != 0;
  // The write filter reports only the end of both directions.
  state.ended = (one.revents & (POLLHUP | POLLERR | (reads ? POLLRDHUP : 0))) != 0;
  state.ready = state.ended || (one.revents & (POLLIN | POLLOUT)) != 0;
  state.passed = PassedOn(fd, knote.registered.filter);
  return state;
}

int Collect(std::vector<Knote>* knotes, struct kevent* events, int capacity) {
  int count = 0;
  for (size_t i = 0; i < knotes->size() && count < capacity; ++i) {
    Knote& knote = (*knotes)[i];
    if (knote.registered.filter == EVFILT_USER) continue;
    if (FileOf(static_cast<int>(knote.registered.ident)) != knote.file) {
      knotes->erase(knotes->begin() + static_cast<std::ptrdiff_t>(i--));
      continue;
    }
    const State state = Look(knote);
    const bool is_edge = state.IsEdgeAfter(knote.reported);
    knote.reported = state;
    if (!is_edge) continue;
    events[count] = knote.registered;
    if (state.ended) events[count].flags = static_cast<uint16_t>(events[count].flags | EV_EOF);
    events[count].fflags = state.failed ? ECONNRESET : 0;
    ++count;
  }
  return count;
}

int Fail(int error) {
  errno = error;
  return -1;
}

int Apply(int queue, std::vector<Knote>* knotes, const struct kevent& change) {
  const bool is_user = change.filter == EVFILT_USER;
  const ino_t file = is_user ? 0 : FileOf(static_cast<int>(change.ident));
  if (!is_user && file == 0) return Fail(EBADF);
  for (size_t i = 0; i < knotes->size(); ++i) {
    Knote& knote = (*knotes)[i];
    if (knote.registered.ident != change.ident || knote.registered.filter != change.filter) {
      continue;
    }
    if (change.flags & EV_DELETE) {
      knotes->erase(knotes->begin() + static_cast<std::ptrdiff_t>(i));
    } else if (change.fflags & NOTE_TRIGGER) {
      eventfd_write(queue, 1);
    } else {
      knote = {change, file, State()};
    }
    return 0;
  }
  if ((change.flags & EV_ADD) == 0) return Fail(ENOENT);
  knotes->push_back({change, file, State()});
  return 0;
}

}  // namespace

int kqueue() {
  const int queue = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (queue >= 0) queues[queue].clear();
  return queue;
}

int kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const timespec* timeout) {
  std::vector<Knote>& knotes = queues[queue];
  for (int i = 0; i < change_count; ++i) {
    if (Apply(queue, &knotes, changes[i]) != 0) return -1;
  }
  if (event_count == 0) return 0;
  int64_t left_ns =
      timeout == nullptr ? INT64_MAX : int64_t{timeout->tv_sec} * 1000000000 + timeout->tv_nsec;
  timespec begin;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (;;) {
    const int count = Collect(&knotes, events, event_count);
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t passed_ns =
        int64_t{now.tv_sec - begin.tv_sec} * 1000000000 + (now.tv_nsec - begin.tv_nsec);
    if (count > 0 || passed_ns >= left_ns) return count;
    if (poll(nullptr, 0, 1) < 0) return -1;
  }
}
