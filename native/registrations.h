// The table of a back end whose system call keeps none (poll, select, scan): who is watched, and
// which directions are still armed. Dense, so that a sweep touches nothing else; O(1) by
// descriptor. It must not know how anybody waits.
#ifndef EPOLL_SERVER_NATIVE_REGISTRATIONS_H_
#define EPOLL_SERVER_NATIVE_REGISTRATIONS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "poller.h"

namespace epoll_server {

struct Registration {
  int32_t fd;
  int32_t generation;
  int32_t armed;  // readiness bits that may still be reported
};

class Registrations {
 public:
  // Enters an open descriptor. Returns 0, -EEXIST, or -EBADF when it is not open.
  int Add(int fd, int32_t generation, int32_t armed);

  // Arms more directions of a known descriptor. Returns 0 or -ENOENT.
  int Arm(int fd, int32_t generation, int32_t armed);

  // Returns 0 or -ENOENT.
  int Remove(int fd);

  size_t size() const { return entries_.size(); }
  Registration& operator[](size_t index) { return entries_[index]; }

  // Where a sweep begins: another place each time, so that whoever lies at the end is served when
  // there is room for fewer events than descriptors. `taken` is how many the last one went through.
  size_t first() const { return first_; }
  void Advance(size_t taken);

 private:
  // The index of `fd` in entries_, or kNobody.
  static constexpr size_t kNobody = SIZE_MAX;
  size_t IndexOf(int fd) const;

  std::vector<Registration> entries_;
  std::vector<size_t> index_by_fd_;
  size_t first_ = 0;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_REGISTRATIONS_H_
