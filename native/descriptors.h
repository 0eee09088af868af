// The descriptors that one owner of files has open, and the jobs that use each of them. close(2)
// waits for those jobs: the system would give the number to another file, or to a client, which
// they would then read. It must not know JavaScript; one thread calls it.
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

  // Enters a descriptor as open; passes errors on.
  int Opened(int fd);

  // Here, because every call asks.
  bool IsOpen(int fd) const {
    const size_t at = static_cast<size_t>(fd);
    return fd >= 0 && at < by_fd_.size() && by_fd_[at].open;
  }

  // It is not open any more. Returns what close(2) does, or 0 when that has to wait; -EBADF when it
  // is not open here.
  int Close(int fd);

  void CloseAll();

  // A job begins to use an open descriptor, and ends.
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
