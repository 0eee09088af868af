// The back end without a system call: each wait reports every descriptor, and EAGAIN shows which
// were not ready. This is how a non-blocking server works without readiness notification.
#include <poll.h>

#include <cerrno>

#include "poller.h"
#include "registrations.h"
#include "time_left.h"

namespace epoll_server {
namespace {

constexpr Traits kTraits = {"scan", false, false, false, 0, true};

constexpr int32_t kBoth = kReadable | kWritable;

class ScanPoller final : public Poller {
 public:
  const Traits& traits() const override { return kTraits; }
  int Descriptor() const override { return -1; }

  int Add(int fd, int32_t generation, int32_t interest) override {
    return watched_.Add(fd, generation, interest & kBoth);
  }

  // Directions are never disarmed; the interest only grows.
  int Rearm(int fd, int32_t generation, int32_t interest) override {
    return watched_.Arm(fd, generation, interest & kBoth);
  }

  int Remove(int fd) override { return watched_.Remove(fd); }
  void Closing(int fd) override { watched_.Remove(fd); }

  int WaitBeside(Event* events, int capacity, int timeout_ms, Companion*) override {
    if (watched_.size() == 0) return Sleep(timeout_ms);
    const size_t size = watched_.size();
    const size_t first = watched_.first();
    size_t swept = 0;
    for (; swept < size && static_cast<int>(swept) < capacity; ++swept) {
      const Registration& entry = watched_[(first + swept) % size];
      events[swept] = {entry.fd, entry.generation, entry.armed};
    }
    watched_.Advance(swept);
    return static_cast<int>(swept);
  }

 private:
  // Without descriptors a wait only sleeps.
  static int Sleep(int timeout_ms) {
    if (timeout_ms == 0) return 0;
    for (TimeLeft left(timeout_ms);;) {
      if (poll(nullptr, 0, left.Milliseconds()) == 0) return 0;
      if (errno != EINTR) return -errno;
    }
  }

  Registrations watched_;
};

}  // namespace

std::unique_ptr<Poller> MakeScanPoller(int*) { return std::make_unique<ScanPoller>(); }

}  // namespace epoll_server
