// kqueue(2) of macOS and the BSDs, with EV_CLEAR: edge-triggered, two filters for a connection's
// whole life, none changed per request. Experimental: it has never run on a Mac.
#include <sys/types.h>
// Needs what the line above declares.
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "poller.h"
#include "registrations.h"
#include "time_left.h"

namespace epoll_server {
namespace {

constexpr Traits kTraits = {"kqueue", true, true, true, 0, false};

// Events per kevent call; they are on the stack (32 bytes each).
constexpr int kBatch = 512;

constexpr int16_t kFilters[] = {EVFILT_READ, EVFILT_WRITE};

int32_t InterestOf(int16_t filter) { return filter == EVFILT_READ ? kReadable : kWritable; }

// The event's data word carries the generation, as epoll's does.
void* PackData(int32_t generation) {
  return reinterpret_cast<void*>(static_cast<intptr_t>(generation));
}

int32_t FromKevent(const struct kevent& event) {
  int32_t readiness = InterestOf(event.filter);
  // For a socket, the fflags of EV_EOF hold its pending error.
  if (event.flags & EV_EOF) {
    readiness |= kHangup | kReadable | kWritable;
    if (event.fflags != 0) readiness |= kFailed;
  }
  if (event.flags & EV_ERROR) readiness |= kFailed | kReadable | kWritable;
  return readiness;
}

int Change(int queue, int fd, int16_t filter, uint16_t flags, int32_t generation) {
  struct kevent change;
  EV_SET(&change, static_cast<uintptr_t>(fd), filter, flags, 0, 0, PackData(generation));
  return kevent(queue, &change, 1, nullptr, 0, nullptr) < 0 ? -errno : 0;
}

class KqueuePoller final : public Poller {
 public:
  explicit KqueuePoller(int queue) : queue_(queue) {}
  ~KqueuePoller() override { ::close(queue_); }
  KqueuePoller(const KqueuePoller&) = delete;
  KqueuePoller& operator=(const KqueuePoller&) = delete;

  const Traits& traits() const override { return kTraits; }
  int Descriptor() const override { return queue_; }

  // -EEXIST comes from our table: EV_ADD of a known filter only changes it.
  int Add(int fd, int32_t generation, int32_t interest) override {
    const int status = watched_.Add(fd, generation, interest);
    return status != 0 ? status : Apply(fd, generation, interest);
  }

  // A repeated EV_ADD evaluates the filter again and reports what is ready.
  int Rearm(int fd, int32_t generation, int32_t interest) override {
    const int status = watched_.Arm(fd, generation, interest);
    return status != 0 ? status : Apply(fd, generation, interest);
  }

  int Remove(int fd) override {
    const int status = watched_.Remove(fd);
    if (status != 0) return status;
    // -ENOENT: that filter was not added. -EBADF: the descriptor is closed, and its filters are
    // gone.
    for (const int16_t filter : kFilters) Change(queue_, fd, filter, EV_DELETE, 0);
    return 0;
  }

  // close(2) removes the filters, but not our entry.
  void Closing(int fd) override { watched_.Remove(fd); }

  int WaitBeside(Event* events, int capacity, int timeout_ms, Companion*) override {
    struct kevent ready[kBatch];
    const int count = WaitThroughSignals(ready, std::min(capacity, kBatch), timeout_ms);
    for (int i = 0; i < count; ++i) {
      const auto generation = static_cast<int32_t>(reinterpret_cast<intptr_t>(ready[i].udata));
      events[i] = {static_cast<int32_t>(ready[i].ident), generation, FromKevent(ready[i])};
    }
    return count;
  }

 private:
  // Applies both filters or neither, so that a refused change leaves no trace.
  int Apply(int fd, int32_t generation, int32_t interest) {
    for (const int16_t filter : kFilters) {
      if ((interest & InterestOf(filter)) == 0) continue;
      const int status = Change(queue_, fd, filter, EV_ADD | EV_CLEAR, generation);
      if (status == 0) continue;
      Remove(fd);
      return status;
    }
    return 0;
  }

  int WaitThroughSignals(struct kevent* ready, int capacity, int timeout_ms) {
    for (TimeLeft left(timeout_ms);;) {
      const int wait_ms = left.Milliseconds();
      const timespec time = {wait_ms / 1000, wait_ms % 1000 * 1000000};
      const int count = kevent(queue_, nullptr, 0, ready, capacity, wait_ms < 0 ? nullptr : &time);
      if (count >= 0) return count;
      if (errno != EINTR) return -errno;
    }
  }

  const int queue_;
  Registrations watched_;
};

}  // namespace

std::unique_ptr<Poller> MakeKqueuePoller(int* error) {
  const int queue = kqueue();
  if (queue < 0) {
    *error = -errno;
    return nullptr;
  }
  return std::make_unique<KqueuePoller>(queue);
}

// Whether one kqueue can watch another, as libuv watches ours: on some systems that is broken. A
// user event in the inner one must wake the outer one.
bool KqueueNests() {
  const int inner = kqueue();
  const int outer = kqueue();
  bool nests = false;
  if (inner >= 0 && outer >= 0) {
    struct kevent watch;
    struct kevent user;
    struct kevent received;
    const timespec soon = {0, 10000000};
    EV_SET(&watch, static_cast<uintptr_t>(inner), EVFILT_READ, EV_ADD, 0, 0, nullptr);
    EV_SET(&user, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, nullptr);
    nests = kevent(outer, &watch, 1, nullptr, 0, nullptr) == 0 &&
            kevent(inner, &user, 1, nullptr, 0, nullptr) == 0;
    EV_SET(&user, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, nullptr);
    nests = nests && kevent(inner, &user, 1, nullptr, 0, nullptr) == 0 &&
            kevent(outer, nullptr, 0, &received, 1, &soon) == 1;
  }
  if (inner >= 0) ::close(inner);
  if (outer >= 0) ::close(outer);
  return nests;
}

}  // namespace epoll_server
