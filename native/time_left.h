// The rest of a time-out when a signal has interrupted a wait.
#ifndef EPOLL_SERVER_NATIVE_TIME_LEFT_H_
#define EPOLL_SERVER_NATIVE_TIME_LEFT_H_

#include <time.h>

#include <cstdint>

namespace epoll_server {

class TimeLeft {
 public:
  explicit TimeLeft(int timeout_ms) : timeout_ms_(timeout_ms) {}

  // Whole milliseconds, rounded up; -1: for ever. The clock is first read when the wait begins. It
  // is never read for a time-out of 0 or -1, so that a turn that does not block costs nothing.
  int Milliseconds() {
    if (timeout_ms_ <= 0) return timeout_ms_;
    const int64_t now = NowNs();
    if (deadline_ns_ == 0) deadline_ns_ = now + static_cast<int64_t>(timeout_ms_) * 1000000;
    const int64_t left = deadline_ns_ - now;
    return left > 0 ? static_cast<int>((left + 999999) / 1000000) : 0;
  }

 private:
  static int64_t NowNs() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
  }

  const int timeout_ms_;
  int64_t deadline_ns_ = 0;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_TIME_LEFT_H_
