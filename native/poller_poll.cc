// poll(2), which POSIX has everywhere: the whole list of descriptors goes to the kernel and back on
// every wait, so a wait costs as much as there are clients, busy or not.
#include <poll.h>

#include <cerrno>
#include <vector>

#include "poller.h"
#include "registrations.h"
#include "time_left.h"

namespace epoll_server {
namespace {

constexpr int32_t kEverything = kReadable | kWritable | kHangup | kFailed;

// `peer_ended`: POLLRDHUP, with which Linux tells of a peer that finished sending while bytes are
// still unread; 0 elsewhere.
short ToPoll(int32_t armed, short peer_ended) {
  int bits = 0;
  if (armed & kReadable) bits |= POLLIN;
  if (armed & kWritable) bits |= POLLOUT;
  if (armed & kHangup) bits |= peer_ended;
  return static_cast<short>(bits);
}

int32_t FromPoll(int bits, short peer_ended) {
  int32_t readiness = 0;
  if (bits & POLLIN) readiness |= kReadable;
  if (bits & POLLOUT) readiness |= kWritable;
  if (bits & (peer_ended | POLLHUP)) readiness |= kHangup | kReadable | kWritable;
  if (bits & POLLERR) readiness |= kFailed | kReadable | kWritable;
  return readiness;
}

class PollPoller final : public Poller {
 public:
  explicit PollPoller(short peer_ended)
      : traits_{"poll", false, false, peer_ended != 0, 0, false}, peer_ended_(peer_ended) {}

  const Traits& traits() const override { return traits_; }
  int Descriptor() const override { return -1; }

  // The end and the failure of a connection always interest.
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
      set_.push_back(
          {entry.armed == 0 ? ~entry.fd : entry.fd, ToPoll(entry.armed, peer_ended_), 0});
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
      const int32_t readiness = FromPoll(bits, peer_ended_);
      // POLLHUP and POLLERR cannot be masked: a descriptor that reported them is left out (its
      // number negated) until it is armed again, or it would spin. So is one that was closed
      // behind our back (POLLNVAL), which is silent.
      const bool is_over = (bits & (POLLHUP | POLLERR | POLLNVAL)) != 0;
      entry.armed = is_over ? 0 : entry.armed & ~readiness;
      if (readiness != 0) events[count++] = {entry.fd, entry.generation, readiness};
    }
    if (ready > 0) watched_.Advance(swept);
    return count;
  }

  const Traits traits_;
  const short peer_ended_;
  Registrations watched_;
  std::vector<pollfd> set_;
};

}  // namespace

std::unique_ptr<Poller> MakePollPoller(short peer_ended) {
  return std::make_unique<PollPoller>(peer_ended);
}

}  // namespace epoll_server
