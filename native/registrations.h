// The table of watched descriptors and their armed directions, for back ends whose system call
// keeps none (poll, select, scan). It is dense, so that a sweep touches nothing else, and O(1) by
// descriptor.
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
  // Adds an open descriptor. Returns 0, -EEXIST, or -EBADF when it is not open.
  int Add(int fd, int32_t generation, int32_t armed);

  // Arms more directions of a known descriptor. Returns 0 or -ENOENT.
  int Arm(int fd, int32_t generation, int32_t armed);

  // Returns 0 or -ENOENT.
  int Remove(int fd);

  size_t size() const { return entries_.size(); }
  Registration& operator[](size_t index) { return entries_[index]; }

  // The index at which a sweep begins. It moves each time, so that the last descriptors are also
  // reported when there is room for fewer events than descriptors. `swept`: descriptors that the
  // last sweep passed.
  size_t first() const { return first_; }
  void Advance(size_t swept);

 private:
  // The index of `fd` in entries_, or kNotFound.
  static constexpr size_t kNotFound = SIZE_MAX;
  size_t IndexOf(int fd) const;

  std::vector<Registration> entries_;
  std::vector<size_t> index_by_fd_;
  size_t first_ = 0;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_REGISTRATIONS_H_
