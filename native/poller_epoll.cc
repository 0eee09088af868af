// Linux epoll(7), edge-triggered: one epoll_ctl for a connection's whole life, none per request.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "poller.h"
#include "time_left.h"

namespace epoll_server {
namespace {

constexpr Traits kTraits = {"epoll", true, true, true, 0, false};

// Events per epoll_wait call; they are on the stack (12 bytes each on x86-64).
constexpr int kBatch = 512;

uint32_t ToEpoll(int32_t interest) {
  uint32_t bits = EPOLLET | EPOLLRDHUP;
  if (interest & kReadable) bits |= EPOLLIN;
  if (interest & kWritable) bits |= EPOLLOUT;
  return bits;
}

int32_t FromEpoll(uint32_t bits) {
  int32_t readiness = 0;
  if (bits & EPOLLIN) readiness |= kReadable;
  if (bits & EPOLLOUT) readiness |= kWritable;
  // One closing path: the next recv or send returns the end or the error.
  if (bits & (EPOLLRDHUP | EPOLLHUP)) readiness |= kHangup | kReadable | kWritable;
  if (bits & EPOLLERR) readiness |= kFailed | kReadable | kWritable;
  return readiness;
}

uint64_t PackData(int fd, int32_t generation) {
  return static_cast<uint64_t>(static_cast<uint32_t>(generation)) << 32 | static_cast<uint32_t>(fd);
}

class EpollPoller final : public Poller {
 public:
  explicit EpollPoller(int epoll_fd) : epoll_fd_(epoll_fd) {}
  ~EpollPoller() override { ::close(epoll_fd_); }
  EpollPoller(const EpollPoller&) = delete;
  EpollPoller& operator=(const EpollPoller&) = delete;

  const Traits& traits() const override { return kTraits; }
  int Descriptor() const override { return epoll_fd_; }

  int Add(int fd, int32_t generation, int32_t interest) override {
    return Control(EPOLL_CTL_ADD, fd, generation, interest);
  }

  // Edge-triggered callers never need this; EPOLL_CTL_MOD reports what is ready once more.
  int Rearm(int fd, int32_t generation, int32_t interest) override {
    return Control(EPOLL_CTL_MOD, fd, generation, interest);
  }

  int Remove(int fd) override {
    return epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr) == 0 ? 0 : -errno;
  }

  void Closing(int) override {}  // close(2) does it

  int WaitBeside(Event* events, int capacity, int timeout_ms, Companion*) override {
    epoll_event ready[kBatch];
    const int count = WaitThroughSignals(ready, std::min(capacity, kBatch), timeout_ms);
    for (int i = 0; i < count; ++i) {
      const uint64_t data = ready[i].data.u64;
      events[i] = {static_cast<int32_t>(data & 0xffffffff), static_cast<int32_t>(data >> 32),
                   FromEpoll(ready[i].events)};
    }
    return count;
  }

 private:
  int Control(int operation, int fd, int32_t generation, int32_t interest) {
    epoll_event event = {};
    event.events = ToEpoll(interest);
    event.data.u64 = PackData(fd, generation);
    return epoll_ctl(epoll_fd_, operation, fd, &event) == 0 ? 0 : -errno;
  }

  int WaitThroughSignals(epoll_event* ready, int capacity, int timeout_ms) {
    for (TimeLeft left(timeout_ms);;) {
      const int count = epoll_wait(epoll_fd_, ready, capacity, left.Milliseconds());
      if (count >= 0) return count;
      if (errno != EINTR) return -errno;
    }
  }

  const int epoll_fd_;
};

}  // namespace

std::unique_ptr<Poller> MakeEpollPoller(int* error) {
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) {
    *error = -errno;
    return nullptr;
  }
  return std::make_unique<EpollPoller>(fd);
}

}  // namespace epoll_server
