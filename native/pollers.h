// The list of back ends of this build, and the one place where one is chosen.
#ifndef EPOLL_SERVER_NATIVE_POLLERS_H_
#define EPOLL_SERVER_NATIVE_POLLERS_H_

#include <memory>
#include <string>
#include <vector>

#include "poller.h"

namespace epoll_server {

// The names of the back ends of this build, best first.
std::vector<std::string> PollerNames();

// Makes a back end by name. On failure returns null and sets `*error` to -errno
// (-EINVAL: this build has no back end of that name).
std::unique_ptr<Poller> MakePoller(const std::string& name, int* error);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_POLLERS_H_
