// fstat and fstatat for binaries that run on glibc before 2.33, which has neither as a function:
// programs are linked with a small static library. zig's copy of that library leaves errno as it
// was, so a missing file looked like one that is there. The kernel's structure is that of glibc on
// 64-bit systems.
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" int fstat(int file, struct stat* found) {
  return static_cast<int>(syscall(SYS_fstat, file, found));
}

extern "C" int fstatat(int directory, const char* path, struct stat* found, int flags) {
  return static_cast<int>(syscall(SYS_newfstatat, directory, path, found, flags));
}
