// Files on systems without Linux's calls: paths are resolved segment by segment, and every call may
// wait.
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

// The name may lead to another file than the one that LookIn found.
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

FileStatus StatusOf(const struct stat& found) {
  return {static_cast<double>(found.st_size), Milliseconds(found.st_mtime),
          Milliseconds(found.st_ctime), static_cast<double>(found.st_dev),
          static_cast<double>(found.st_ino)};
}

int LookBeneath(FileSystem*, int root, const char* path, bool may_wait, FileStatus* status) {
  if (!may_wait) return -EAGAIN;
  std::string last;
  const int directory = WalkBeneath(root, path, &last);
  if (directory < 0) return directory;
  const int result = LookIn(directory, last.c_str(), status);
  close(directory);
  return result;
}

int OpenBeneath(FileSystem*, int root, const char* path, bool may_wait, FileStatus* status) {
  if (!may_wait) return -EAGAIN;
  std::string last;
  const int directory = WalkBeneath(root, path, &last);
  if (directory < 0) return directory;
  // Opening a device or a FIFO could have an effect, so its type is checked first.
  int result = LookIn(directory, last.c_str(), status);
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

int ReadFile(int file, uint8_t* bytes, size_t length, int64_t position, bool may_wait) {
  if (!may_wait) return -EAGAIN;
  return Result(pread(file, bytes, length > INT_MAX ? INT_MAX : length, position));
}

int IsResident(FileSystem*, int, int64_t, size_t) { return -ENOSYS; }

int SendFile(int, int, int64_t, size_t) { return -ENOSYS; }

}  // namespace epoll_server
