// Steps the clock of the day and lets accepting fail, loaded in front of the C library
// (LD_PRELOAD). Environment variables control it:
//   SHIM_CLOCK=FILE        holds the seconds that are added to the clock of the day, as a double
//   SHIM_ACCEPT_EVERY=N    every Nth accept fails, by turns with ECONNABORTED and ENOMEM
// The monotonic clock, by which time-outs are measured, is left alone.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace {

template <typename Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

const volatile double* MappedClock() {
  const char* path = getenv("SHIM_CLOCK");
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* memory = mmap(nullptr, sizeof(double), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  return memory == MAP_FAILED ? nullptr : static_cast<const volatile double*>(memory);
}

time_t OffsetSeconds() {
  static const volatile double* const clock = MappedClock();
  return clock == nullptr ? 0 : static_cast<time_t>(*clock);
}

bool IsOfTheDay(clockid_t id) { return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t id, timespec* now) {
  static const auto real = Real<int (*)(clockid_t, timespec*)>("clock_gettime");
  const int status = real(id, now);
  if (status == 0 && IsOfTheDay(id)) now->tv_sec += OffsetSeconds();
  return status;
}

int gettimeofday(timeval* now, void* zone) {
  static const auto real = Real<int (*)(timeval*, void*)>("gettimeofday");
  const int status = real(now, zone);
  if (status == 0) now->tv_sec += OffsetSeconds();
  return status;
}

time_t time(time_t* out) {
  static const auto real = Real<time_t (*)(time_t*)>("time");
  const time_t now = real(nullptr) + OffsetSeconds();
  if (out != nullptr) *out = now;
  return now;
}

int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  static const auto real = Real<int (*)(int, sockaddr*, socklen_t*, int)>("accept4");
  static const char* const every = getenv("SHIM_ACCEPT_EVERY");
  static const unsigned period = every == nullptr ? 0 : static_cast<unsigned>(atoi(every));
  static std::atomic<unsigned> calls{0};
  const unsigned call = ++calls;
  if (period > 0 && call % period == 0) {
    errno = (call / period) % 2 == 0 ? ECONNABORTED : ENOMEM;
    return -1;
  }
  return real(fd, address, length, flags);
}

}  // extern "C"
