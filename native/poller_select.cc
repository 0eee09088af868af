// select(2), the oldest back end (4.2BSD, 1983): three bit sets are copied in and out on every
// wait. A descriptor at or above FD_SETSIZE (1024) is refused, since FD_SET would write past the
// set.
#include <fcntl.h>
#include <sys/select.h>

#include <algorithm>
#include <cerrno>

#include "poller.h"
#include "registrations.h"
#include "time_left.h"

namespace epoll_server {
namespace {

// select(2) reports the end of a connection only as readable.
constexpr Traits kTraits = {"select", false, false, false, FD_SETSIZE, false};

constexpr int32_t kBoth = kReadable | kWritable;

class SelectPoller final : public Poller {
 public:
  const Traits& traits() const override { return kTraits; }
  int Descriptor() const override { return -1; }

  int Add(int fd, int32_t generation, int32_t interest) override {
    if (fd >= FD_SETSIZE) return -EMFILE;
    return watched_.Add(fd, generation, interest & kBoth);
  }

  int Rearm(int fd, int32_t generation, int32_t interest) override {
    return watched_.Arm(fd, generation, interest & kBoth);
  }

  int Remove(int fd) override { return watched_.Remove(fd); }
  void Closing(int fd) override { watched_.Remove(fd); }

  int WaitBeside(Event* events, int capacity, int timeout_ms, Companion* companion) override {
    if (companion != nullptr && companion->fd >= FD_SETSIZE) return -EMFILE;
    int ready = 0;
    for (TimeLeft left(timeout_ms);;) {
      const int highest = Prepare(companion);
      const int wait_ms = left.Milliseconds();
      timeval time = {wait_ms / 1000, wait_ms % 1000 * 1000};
      ready = select(highest + 1, &readable_, &writable_, nullptr, wait_ms < 0 ? nullptr : &time);
      if (ready >= 0) break;
      if (errno == EBADF && DisarmClosed() > 0) continue;
      if (errno != EINTR) return -errno;
    }
    if (companion != nullptr) companion->ready = FD_ISSET(companion->fd, &readable_);
    return Collect(events, capacity);
  }

 private:
  // Fills the sets; returns the highest descriptor in them.
  int Prepare(const Companion* companion) {
    FD_ZERO(&readable_);
    FD_ZERO(&writable_);
    int highest = -1;
    for (size_t i = 0; i < watched_.size(); ++i) {
      const Registration& entry = watched_[i];
      if (entry.armed & kReadable) FD_SET(entry.fd, &readable_);
      if (entry.armed & kWritable) FD_SET(entry.fd, &writable_);
      if (entry.armed != 0) highest = std::max(highest, entry.fd);
    }
    if (companion == nullptr) return highest;
    FD_SET(companion->fd, &readable_);
    return std::max(highest, companion->fd);
  }

  // Disarms descriptors that were closed elsewhere: one of them would make every wait fail.
  int DisarmClosed() {
    int closed = 0;
    for (size_t i = 0; i < watched_.size(); ++i) {
      Registration& entry = watched_[i];
      if (entry.armed == 0 || fcntl(entry.fd, F_GETFD) >= 0) continue;
      entry.armed = 0;
      ++closed;
    }
    return closed;
  }

  int Collect(Event* events, int capacity) {
    const size_t size = watched_.size();
    const size_t first = watched_.first();
    size_t swept = 0;
    int count = 0;
    for (; swept < size && count < capacity; ++swept) {
      Registration& entry = watched_[(first + swept) % size];
      int32_t readiness = 0;
      if (FD_ISSET(entry.fd, &readable_)) readiness |= kReadable;
      if (FD_ISSET(entry.fd, &writable_)) readiness |= kWritable;
      if (readiness == 0) continue;
      entry.armed &= ~readiness;
      events[count++] = {entry.fd, entry.generation, readiness};
    }
    if (swept < size) watched_.Advance(swept);
    return count;
  }

  Registrations watched_;
  fd_set readable_;
  fd_set writable_;
};

}  // namespace

std::unique_ptr<Poller> MakeSelectPoller(int*) { return std::make_unique<SelectPoller>(); }

}  // namespace epoll_server
