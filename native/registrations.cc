// How descriptors are added to, armed in and removed from the table of watched descriptors.
#include "registrations.h"

#include <fcntl.h>

#include <cerrno>

namespace epoll_server {

size_t Registrations::IndexOf(int fd) const {
  const size_t slot = static_cast<size_t>(fd);
  return fd < 0 || slot >= index_by_fd_.size() ? kNotFound : index_by_fd_[slot];
}

int Registrations::Add(int fd, int32_t generation, int32_t armed) {
  if (fd < 0 || fcntl(fd, F_GETFD) < 0) return -EBADF;
  if (IndexOf(fd) != kNotFound) return -EEXIST;
  const size_t slot = static_cast<size_t>(fd);
  if (slot >= index_by_fd_.size()) index_by_fd_.resize(slot + 1, kNotFound);
  index_by_fd_[slot] = entries_.size();
  entries_.push_back({fd, generation, armed});
  return 0;
}

int Registrations::Arm(int fd, int32_t generation, int32_t armed) {
  const size_t index = IndexOf(fd);
  if (index == kNotFound) return -ENOENT;
  entries_[index].generation = generation;
  entries_[index].armed |= armed;
  return 0;
}

int Registrations::Remove(int fd) {
  const size_t index = IndexOf(fd);
  if (index == kNotFound) return -ENOENT;
  // The last entry moves to the freed index, which keeps the table dense.
  entries_[index] = entries_.back();
  index_by_fd_[static_cast<size_t>(entries_[index].fd)] = index;
  index_by_fd_[static_cast<size_t>(fd)] = kNotFound;
  entries_.pop_back();
  return 0;
}

void Registrations::Advance(size_t swept) {
  first_ = entries_.empty() ? 0 : (first_ + swept) % entries_.size();
}

}  // namespace epoll_server
