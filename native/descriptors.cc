// How file descriptors are opened, used by jobs and closed.
#include "descriptors.h"

#include <cerrno>

#include "file.h"

namespace epoll_server {

int Descriptors::Opened(int fd) {
  if (fd < 0) return fd;
  const size_t at = static_cast<size_t>(fd);
  if (at >= by_fd_.size()) by_fd_.resize(at + 1);
  by_fd_[at].open = true;
  return fd;
}

int Descriptors::Close(int fd) {
  if (!IsOpen(fd)) return -EBADF;
  Entry& entry = by_fd_[static_cast<size_t>(fd)];
  entry.open = false;
  return entry.jobs == 0 ? CloseFile(fd) : 0;
}

void Descriptors::CloseAll() {
  for (size_t fd = 0; fd < by_fd_.size(); ++fd) Close(static_cast<int>(fd));
}

void Descriptors::Release(int fd) {
  Entry& entry = by_fd_[static_cast<size_t>(fd)];
  if (--entry.jobs == 0 && !entry.open) CloseFile(fd);
}

}  // namespace epoll_server
