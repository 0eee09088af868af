// How entries of the descriptor table are opened, closed and listed.
#include "connections.h"

#include <cassert>
#include <climits>
#include <cstddef>

namespace epoll_server {

int32_t Connections::Open(int fd, const Address& peer) {
  assert(fd >= 0);
  const size_t index = static_cast<size_t>(fd);
  if (index >= by_fd_.size()) by_fd_.resize(index + 1);
  Connection& entry = by_fd_[index];
  if (!entry.open) ++open_count_;
  const int32_t generation = entry.generation == INT_MAX ? 1 : entry.generation + 1;
  entry = Connection();
  entry.generation = generation;
  entry.open = true;
  entry.peer = peer;
  return generation;
}

bool Connections::Close(int fd) {
  Connection* entry = Find(fd);
  if (entry == nullptr) return false;
  entry->open = false;
  --open_count_;
  return true;
}

std::vector<int> Connections::OpenDescriptors() const {
  std::vector<int> open;
  for (size_t fd = 0; fd < by_fd_.size(); ++fd) {
    if (by_fd_[fd].open) open.push_back(static_cast<int>(fd));
  }
  return open;
}

}  // namespace epoll_server
