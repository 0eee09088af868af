// poll(2), which every POSIX system has. The whole list of descriptors is copied to the kernel and
// back on every wait. So the cost of a wait grows with all clients, busy or not.
#include <poll.h>

#include <cerrno>
#include <vector>

#include "poller.h"
#include "registrations.h"
#include "time_left.h"

namespace epoll_server {
namespace {

constexpr int32_t kEverything = kReadable | kWritable | kHangup | kFailed;

// `rdhup`: POLLRDHUP on Linux, else 0. It reports a peer that finished sending while bytes are
// still unread.
short ToPoll(int32_t armed, short rdhup) {
  int bits = 0;
  if (armed & kReadable) bits |= POLLIN;
  if (armed & kWritable) bits |= POLLOUT;
  if (armed & kHangup) bits |= rdhup;
  return static_cast<short>(bits);
}

int32_t FromPoll(int bits, short rdhup) {
  int32_t readiness = 0;
  if (bits & POLLIN) readiness |= kReadable;
  if (bits & POLLOUT) readiness |= kWritable;
  if (bits & (rdhup | POLLHUP)) readiness |= kHangup | kReadable | kWritable;
  if (bits & POLLERR) readiness |= kFailed | kReadable | kWritable;
  return readiness;
}

class PollPoller final : public Poller {
 public:
  explicit PollPoller(short rdhup)
      : traits_{"poll", false, false, rdhup != 0, 0, false}, rdhup_(rdhup) {}

  const Traits& traits() const override { return traits_; }
  int Descriptor() const override { return -1; }

  // Hangup and failure are always part of the interest.
  int Add(int fd, int32_t generation, int32_t interest) override {
    return watched_.Add(fd, generation, interest | kHangup | kFailed);
  }

  int Rearm(int fd, int32_t generation, int32_t interest) override {
    return watched_.Arm(fd, generation, interest & kEverything);
  }

  int Remove(int fd) override { return watched_.Remove(fd); }
  void Closing(int fd) override { watched_.Remove(fd); }

  int WaitBeside(Event* events, int capacity, int timeout_ms, Companion* companion) override {
    Prepare(companion);
    int ready = 0;
    for (TimeLeft left(timeout_ms);;) {
      ready = poll(set_.data(), static_cast<nfds_t>(set_.size()), left.Milliseconds());
      if (ready >= 0) break;
      if (errno != EINTR) return -errno;
    }
    if (companion != nullptr) {
      companion->ready = set_.back().revents != 0;
      if (companion->ready) --ready;
    }
    return Collect(events, capacity, ready);
  }

 private:
  void Prepare(const Companion* companion) {
    set_.clear();
    for (size_t i = 0; i < watched_.size(); ++i) {
      const Registration& entry = watched_[i];
      set_.push_back({entry.armed == 0 ? ~entry.fd : entry.fd, ToPoll(entry.armed, rdhup_), 0});
    }
    if (companion != nullptr) set_.push_back({companion->fd, POLLIN, 0});
  }

  int Collect(Event* events, int capacity, int ready) {
    const size_t size = watched_.size();
    const size_t first = watched_.first();
    size_t swept = 0;
    int count = 0;
    for (; swept < size && ready > 0 && count < capacity; ++swept) {
      const size_t index = (first + swept) % size;
      const short bits = set_[index].revents;
      if (bits == 0) continue;
      --ready;
      Registration& entry = watched_[index];
      const int32_t readiness = FromPoll(bits, rdhup_);
      // POLLHUP and POLLERR cannot be masked. After them a descriptor is left out (its number
      // negated) until it is armed again; otherwise every wait would return at once. The same holds
      // for a descriptor that was closed elsewhere (POLLNVAL), which gets no event.
      const bool is_over = (bits & (POLLHUP | POLLERR | POLLNVAL)) != 0;
      entry.armed = is_over ? 0 : entry.armed & ~readiness;
      if (readiness != 0) events[count++] = {entry.fd, entry.generation, readiness};
    }
    if (ready > 0) watched_.Advance(swept);
    return count;
  }

  const Traits traits_;
  const short rdhup_;
  Registrations watched_;
  std::vector<pollfd> set_;
};

}  // namespace

std::unique_ptr<Poller> MakePollPoller(short rdhup) { return std::make_unique<PollPoller>(rdhup); }

}  // namespace epoll_server
