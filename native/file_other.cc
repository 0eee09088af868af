// Files where Linux's calls are missing: confined segment by segment, read by whoever may wait.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "file.h"
#include "file_walk.h"

namespace epoll_server {
namespace {

int Result(long result) { return result < 0 ? -errno : static_cast<int>(result); }

double Milliseconds(time_t seconds) { return static_cast<double>(seconds) * 1e3; }

FileStatus Describe(const struct stat& found) {
  return {static_cast<double>(found.st_size), Milliseconds(found.st_mtime),
          Milliseconds(found.st_ctime), static_cast<double>(found.st_dev),
          static_cast<double>(found.st_ino)};
}

int StatusOf(const struct stat& found, FileStatus* status) {
  if (S_ISDIR(found.st_mode)) return -EISDIR;
  if (!S_ISREG(found.st_mode)) return -ENXIO;
  *status = Describe(found);
  return 0;
}

// Looks without opening, so that nothing notices.
int StatusOf(int directory, const std::string& name, FileStatus* status) {
  struct stat found;
  if (fstatat(directory, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return -errno;
  return StatusOf(found, status);
}

// Somebody may have put something else there since it was looked at.
int OpenRegular(int directory, const std::string& name, FileStatus* status) {
  const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC;
  const int file = Result(openat(directory, name.c_str(), flags));
  if (file < 0) return file;
  if (LookAtOpen(file, status) == 0) return file;
  close(file);
  return -ENXIO;
}

}  // namespace

FileSystem::FileSystem() : has_openat2(false), has_cachestat(false) {}

int OpenRoot(const char* path, FileStatus* status) {
  const int root = Result(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat found;
  if (root >= 0 && fstat(root, &found) == 0) *status = Describe(found);
  return root;
}

int LookBeneath(FileSystem*, int root, const char* path, bool may_wait, FileStatus* status) {
  if (!may_wait) return -EAGAIN;
  std::string last;
  const int directory = WalkBeneath(root, path, &last);
  if (directory < 0) return directory;
  const int result = StatusOf(directory, last, status);
  close(directory);
  return result;
}

int LookAtOpen(int file, FileStatus* status) {
  struct stat found;
  return fstat(file, &found) == 0 ? StatusOf(found, status) : -errno;
}

int OpenBeneath(FileSystem*, int root, const char* path, bool may_wait, FileStatus* status) {
  if (!may_wait) return -EAGAIN;
  std::string last;
  const int directory = WalkBeneath(root, path, &last);
  if (directory < 0) return directory;
  int result = StatusOf(directory, last, status);
  if (result == 0) result = OpenRegular(directory, last, status);
  close(directory);
  return result;
}

int OpenDirectoryBeneath(FileSystem*, int root, const char* path) {
  std::string last;
  const int parent = WalkBeneath(root, path, &last);
  if (parent < 0) return parent;
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const int directory = Result(openat(parent, last.c_str(), flags));
  close(parent);
  return directory;
}

int LookIn(int directory, const char* name, FileStatus* status) {
  struct stat found;
  if (fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) != 0) return -errno;
  if (S_ISLNK(found.st_mode)) return -ELOOP;
  *status = Describe(found);
  return S_ISDIR(found.st_mode) ? -EISDIR : S_ISREG(found.st_mode) ? 0 : -ENXIO;
}

int ReadFile(int file, uint8_t* bytes, size_t length, int64_t position, bool may_wait) {
  if (!may_wait) return -EAGAIN;
  return Result(pread(file, bytes, length > INT_MAX ? INT_MAX : length, position));
}

int IsResident(FileSystem*, int, int64_t, size_t) { return -ENOSYS; }

int SendFile(int, int, int64_t, size_t) { return -ENOSYS; }

int CopyToHugePages(FileSystem*, int, size_t) { return -ENOTSUP; }

int CloseFile(int file) { return Result(close(file)); }

}  // namespace epoll_server
