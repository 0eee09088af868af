// Loaded in front of the C library (LD_PRELOAD), below everything that the server is made of: a
// disk that is slow for some files, and a system that lacks some calls. What it does is said by its
// environment:
//   SHIM_SLOW=NAME   files with NAME in their path are never in memory, and each wait for them
//   lasts SHIM_MS SHIM_NO=CALL,... openat2, cachestat, sendfile: not there (ENOSYS)
#include <dlfcn.h>
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

bool Lacks(const char* call) {
  const char* missing = getenv("SHIM_NO");
  return missing != nullptr && std::strstr(missing, call) != nullptr;
}

bool IsSlowName(const char* path) {
  const char* slow = getenv("SHIM_SLOW");
  return slow != nullptr && std::strstr(path, slow) != nullptr;
}

bool IsSlow(int fd) {
  char name[64];
  char path[4096];
  snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(name, path, sizeof(path) - 1);
  if (length < 0) return false;
  path[length] = '\0';
  return IsSlowName(path);
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

ssize_t pread64(int fd, void* bytes, size_t length, off64_t position) {
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
    if (IsSlowName(reinterpret_cast<const char*>(a[1]))) {
      const auto* how = reinterpret_cast<const uint64_t*>(a[2]);
      if ((how[2] & kResolveCached) != 0) return Refuse(EAGAIN);
      WaitForDisk();
    }
  }
  if (number == kCachestat && Lacks("cachestat")) return Refuse(ENOSYS);
  if (number == kCachestat && IsSlow(static_cast<int>(a[0]))) {
    std::memset(reinterpret_cast<void*>(a[2]), 0, 5 * sizeof(uint64_t));
    return 0;
  }
  if (number == SYS_preadv2 && IsSlow(static_cast<int>(a[0]))) return Refuse(EAGAIN);
  return Real<long (*)(long, ...)>("syscall")(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

}  // extern "C"
