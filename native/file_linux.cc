// Files on Linux: openat2(2) confines paths, RESOLVE_CACHED and RWF_NOWAIT avoid waiting,
// cachestat(2) reports what is in memory, sendfile(2) sends it.
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>

#include "file.h"
#include "file_walk.h"

namespace epoll_server {
namespace {

// Older headers lack these; the numbers are the same on every architecture of Linux that Node runs
// on.
constexpr long kSysOpenat2 = 437;
constexpr long kSysCachestat = 451;
constexpr uint64_t kResolveNoMagiclinks = 0x02;
constexpr uint64_t kResolveBeneath = 0x08;
constexpr uint64_t kResolveCached = 0x20;
constexpr int kNowait = 0x08;  // RWF_NOWAIT

struct OpenHow {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};

struct CachestatRange {
  uint64_t offset;
  uint64_t length;
};

struct Cachestat {
  uint64_t cached;
  uint64_t others[4];
};

// openat2 returns -EAGAIN when a rename interferes; a second try is nearly always enough.
constexpr int kRenameRetries = 32;

int Result(long result) { return result < 0 ? -errno : static_cast<int>(result); }

// Repeats a call that a signal interrupts, as happens on file systems of a network or a program
// (NFS, FUSE).
template <typename Call>
int Uninterrupted(Call call) {
  int result = Result(call());
  while (result == -EINTR) result = Result(call());
  return result;
}

double Milliseconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec / 1000000);
}

// With the full resolution of the system, to detect changes.
double FineMilliseconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

int LocateWithOpenat2(int root, const char* path, bool may_wait, int flags) {
  OpenHow how = {static_cast<uint64_t>(flags), 0, kResolveBeneath | kResolveNoMagiclinks};
  if (!may_wait) how.resolve |= kResolveCached;
  int located = -EAGAIN;
  for (int i = 0; i < (may_wait ? kRenameRetries : 1) && located == -EAGAIN; ++i) {
    located = Uninterrupted([&] { return syscall(kSysOpenat2, root, path, &how, sizeof(how)); });
  }
  // Linux before 5.12 does not know RESOLVE_CACHED.
  return !may_wait && located == -EINVAL ? -EAGAIN : located;
}

int LocateByWalk(int root, const char* path, int flags) {
  std::string last;
  const int directory = WalkBeneath(root, path, &last);
  if (directory < 0) return directory;
  const int located =
      Uninterrupted([&] { return openat(directory, last.c_str(), flags | O_NOFOLLOW); });
  close(directory);
  return located;
}

// With O_PATH a descriptor refers to a file without opening it, which has no effect on a device or
// a FIFO.
constexpr int kName = O_PATH | O_CLOEXEC;
// O_NONBLOCK: if the file is a FIFO after all, the open does not wait for its writer.
constexpr int kForReading = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

// ENOSYS: an old kernel. EPERM: how containers forbid calls that they do not know (seccomp).
bool IsMissing(int result) { return result == -ENOSYS || result == -EPERM; }

// Other errors, such as an unreadable working directory, still show that the call exists.
bool HasOpenat2() {
  const int located = LocateWithOpenat2(AT_FDCWD, ".", true, kName);
  if (located >= 0) close(located);
  return !IsMissing(located);
}

bool HasCachestat() {
  CachestatRange range = {};
  Cachestat found = {};
  return !IsMissing(Result(syscall(kSysCachestat, -1, &range, &found, 0)));
}

int Locate(FileSystem* system, int root, const char* path, bool may_wait, int flags = kName) {
  if (*path == '\0') path = ".";
  if (system->has_openat2) return LocateWithOpenat2(root, path, may_wait, flags);
  return may_wait ? LocateByWalk(root, path, flags) : -EAGAIN;
}

// Opens the file that `located` refers to, even if its path leads elsewhere by now.
int Reopen(int located, int flags) {
  char name[32];
  snprintf(name, sizeof(name), "/proc/self/fd/%d", located);
  return Uninterrupted([&] { return open(name, flags); });
}

// Opens the file at the path again, which must have the inode found before.
int OpenByName(FileSystem* system, int root, const char* path, bool may_wait, FileStatus* status) {
  const double inode = status->inode;
  const int file = Locate(system, root, path, may_wait, kForReading);
  if (file < 0) return file;
  const int result = LookAtOpen(file, status);
  if (result == 0 && status->inode == inode) return file;
  close(file);
  return result < 0 ? result : -ENOENT;
}

}  // namespace

FileSystem::FileSystem() : has_openat2(HasOpenat2()), has_cachestat(HasCachestat()) {}

FileStatus StatusOf(const struct stat& found) {
  return {static_cast<double>(found.st_size), Milliseconds(found.st_mtim),
          FineMilliseconds(found.st_ctim), static_cast<double>(found.st_dev),
          static_cast<double>(found.st_ino)};
}

int LookBeneath(FileSystem* system, int root, const char* path, bool may_wait, FileStatus* status) {
  const int located = Locate(system, root, path, may_wait);
  if (located < 0) return located;
  const int result = LookAtOpen(located, status);
  close(located);
  return result;
}

int OpenBeneath(FileSystem* system, int root, const char* path, bool may_wait, FileStatus* status) {
  const int located = Locate(system, root, path, may_wait);
  if (located < 0) return located;
  int result = LookAtOpen(located, status);
  if (result == 0) result = Reopen(located, kForReading);
  close(located);
  // Without /proc the file is opened by its path again.
  return result == -ENOENT ? OpenByName(system, root, path, may_wait, status) : result;
}

int OpenDirectoryBeneath(FileSystem* system, int root, const char* path) {
  const int located = Locate(system, root, path, true);
  if (located < 0) return located;
  const int directory = Reopen(located, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  close(located);
  return directory;
}

int ReadFile(int file, uint8_t* bytes, size_t length, int64_t position, bool may_wait) {
  const size_t bounded = length > INT_MAX ? INT_MAX : length;
  if (may_wait) return Uninterrupted([&] { return pread(file, bytes, bounded, position); });
  iovec piece = {bytes, bounded};
  const int result =
      Uninterrupted([&] { return syscall(SYS_preadv2, file, &piece, 1, position, 0, kNowait); });
  // Emulators and sandboxes lack the call: memory cannot be asked, so the disk is.
  return result == -ENOSYS ? -EAGAIN : result;
}

int IsResident(FileSystem* system, int file, int64_t position, size_t length) {
  if (!system->has_cachestat) return -ENOSYS;
  CachestatRange range = {static_cast<uint64_t>(position), length};
  Cachestat found = {};
  const int status = Result(syscall(kSysCachestat, file, &range, &found, 0));
  if (status < 0) return status;
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t first = range.offset / page;
  const uint64_t behind = (range.offset + length + page - 1) / page;
  return found.cached >= behind - first ? 1 : 0;
}

int SendFile(int socket, int file, int64_t position, size_t length) {
  off_t from = position;
  return Result(sendfile(socket, file, &from, length > INT_MAX / 2 ? INT_MAX / 2 : length));
}

}  // namespace epoll_server
