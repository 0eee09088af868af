// Simulates a slow disk and missing system calls, loaded in front of the C library (LD_PRELOAD).
// Environment variables control it:
//   SHIM_SLOW=NAME         files with NAME in their path are never in memory
//   SHIM_MS=MS             the duration of each wait for such a file; 100 by default
//   SHIM_NO=CALL,...       openat2, cachestat, sendfile, preadv2: missing (ENOSYS)
//   SHIM_SECCOMP=CALL,...  openat2, cachestat: forbidden, as containers forbid calls (EPERM)
//   SHIM_FORBIDDEN=NAME    finding a file with NAME in its path fails (EPERM)
//   SHIM_INTERRUPTS=NAME   every other call that opens, or reads, a file with NAME in its path is
//                          interrupted by a signal (EINTR)
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr long kOpenat2 = 437;
constexpr long kCachestat = 451;
constexpr uint64_t kResolveCached = 0x20;

template <typename Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool IsListed(const char* variable, const char* call) {
  const char* listed = getenv(variable);
  return listed != nullptr && std::strstr(listed, call) != nullptr;
}

bool IsNamed(const char* variable, const char* path) {
  const char* name = getenv(variable);
  return name != nullptr && std::strstr(path, name) != nullptr;
}

bool Lacks(const char* call) { return IsListed("SHIM_NO", call); }

bool IsSlowName(const char* path) { return IsNamed("SHIM_SLOW", path); }

// The path of an open descriptor; empty when it is unknown.
const char* PathOf(int fd, char (&path)[4096]) {
  char name[64];
  snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(name, path, sizeof(path) - 1);
  path[length < 0 ? 0 : length] = '\0';
  return path;
}

bool IsSlow(int fd) {
  char path[4096];
  return IsSlowName(PathOf(fd, path));
}

// True for every other call with such a path, counted for each thread.
bool Interrupts(const char* path) {
  static thread_local bool is_next = false;
  const char* name = getenv("SHIM_INTERRUPTS");
  if (name == nullptr || std::strstr(path, name) == nullptr) return false;
  is_next = !is_next;
  return is_next;
}

void WaitForDisk() {
  const char* ms = getenv("SHIM_MS");
  usleep(static_cast<useconds_t>(1000 * (ms == nullptr ? 100 : atoi(ms))));
}

long Refuse(int error) {
  errno = error;
  return -1;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const int mode = (flags & O_CREAT) != 0 ? va_arg(list, int) : 0;
  va_end(list);
  int fd = -1;
  char target[4096];
  if (sscanf(path, "/proc/self/fd/%d", &fd) == 1 && Interrupts(PathOf(fd, target))) {
    return static_cast<int>(Refuse(EINTR));
  }
  return Real<int (*)(const char*, int, ...)>("open")(path, flags, mode);
}

ssize_t pread64(int fd, void* bytes, size_t length, off64_t position) {
  char path[4096];
  if (Interrupts(PathOf(fd, path))) return Refuse(EINTR);
  if (IsSlow(fd)) WaitForDisk();
  return Real<ssize_t (*)(int, void*, size_t, off64_t)>("pread64")(fd, bytes, length, position);
}

ssize_t pread(int fd, void* bytes, size_t length, off_t position) {
  return pread64(fd, bytes, length, position);
}

ssize_t sendfile64(int socket, int fd, off64_t* position, size_t length) {
  if (Lacks("sendfile")) return Refuse(ENOSYS);
  if (IsSlow(fd)) WaitForDisk();
  return Real<ssize_t (*)(int, int, off64_t*, size_t)>("sendfile64")(socket, fd, position, length);
}

ssize_t sendfile(int socket, int fd, off_t* position, size_t length) {
  return sendfile64(socket, fd, position, length);
}

long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  if (number == kOpenat2) {
    if (Lacks("openat2")) return Refuse(ENOSYS);
    if (IsListed("SHIM_SECCOMP", "openat2")) return Refuse(EPERM);
    if (IsNamed("SHIM_FORBIDDEN", reinterpret_cast<const char*>(a[1]))) return Refuse(EPERM);
    if (Interrupts(reinterpret_cast<const char*>(a[1]))) return Refuse(EINTR);
    if (IsSlowName(reinterpret_cast<const char*>(a[1]))) {
      const auto* how = reinterpret_cast<const uint64_t*>(a[2]);
      if ((how[2] & kResolveCached) != 0) return Refuse(EAGAIN);
      WaitForDisk();
    }
  }
  if (number == kCachestat && Lacks("cachestat")) return Refuse(ENOSYS);
  if (number == kCachestat && IsListed("SHIM_SECCOMP", "cachestat")) return Refuse(EPERM);
  if (number == kCachestat && IsSlow(static_cast<int>(a[0]))) {
    std::memset(reinterpret_cast<void*>(a[2]), 0, 5 * sizeof(uint64_t));
    return 0;
  }
  if (number == SYS_preadv2 && Lacks("preadv2")) return Refuse(ENOSYS);
  if (number == SYS_preadv2 && IsSlow(static_cast<int>(a[0]))) return Refuse(EAGAIN);
  return Real<long (*)(long, ...)>("syscall")(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

}  // extern "C"
