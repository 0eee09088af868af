// The open file descriptors of one server, with the number of jobs that use each of them. close(2)
// is delayed until those jobs have ended. Otherwise the system could reuse the number for another
// file or a client, which a job would then read. Not thread-safe.
#ifndef EPOLL_SERVER_NATIVE_DESCRIPTORS_H_
#define EPOLL_SERVER_NATIVE_DESCRIPTORS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace epoll_server {

class Descriptors {
 public:
  Descriptors() = default;
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;
  ~Descriptors() { CloseAll(); }

  // Adds a descriptor as open. Returns `fd`, also when it is -errno.
  int Opened(int fd);

  // Inline, because every call uses it.
  bool IsOpen(int fd) const {
    const size_t at = static_cast<size_t>(fd);
    return fd >= 0 && at < by_fd_.size() && by_fd_[at].open;
  }

  // Marks a descriptor as closed. Returns the result of close(2), 0 when jobs delay it, or -EBADF
  // when the descriptor is not open here.
  int Close(int fd);

  void CloseAll();

  // Called when a job begins to use an open descriptor, and when it ends.
  void Acquire(int fd) { by_fd_[static_cast<size_t>(fd)].jobs++; }
  void Release(int fd);

 private:
  struct Entry {
    bool open = false;
    uint32_t jobs = 0;
  };

  std::vector<Entry> by_fd_;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_DESCRIPTORS_H_
