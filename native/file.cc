// The file calls that are the same on every system; the rest is in file_linux.cc and file_other.cc.
#include "file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace epoll_server {

int OpenRoot(const char* path, FileStatus* status) {
  const int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return -errno;
  struct stat found;
  if (fstat(root, &found) == 0) *status = StatusOf(found);
  return root;
}

int LookAtOpen(int file, FileStatus* status) {
  struct stat found;
  if (fstat(file, &found) != 0) return -errno;
  if (S_ISDIR(found.st_mode)) return -EISDIR;
  if (!S_ISREG(found.st_mode)) return -ENXIO;
  *status = StatusOf(found);
  return 0;
}

int LookIn(int directory, const char* name, FileStatus* status) {
  struct stat found;
  if (fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) != 0) return -errno;
  if (S_ISLNK(found.st_mode)) return -ELOOP;
  *status = StatusOf(found);
  return S_ISDIR(found.st_mode) ? -EISDIR : S_ISREG(found.st_mode) ? 0 : -ENXIO;
}

int CloseFile(int file) { return close(file) == 0 ? 0 : -errno; }

}  // namespace epoll_server
