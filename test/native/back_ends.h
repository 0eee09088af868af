// The back ends for which each test of the contract runs.
#ifndef EPOLL_SERVER_TEST_NATIVE_BACK_ENDS_H_
#define EPOLL_SERVER_TEST_NATIVE_BACK_ENDS_H_

#include <memory>
#include <string>
#include <vector>

#include "poller.h"

namespace epoll_server::test {

// The names of the back ends of this build, and kqueue: that of the system, or the stand-in.
std::vector<std::string> BackEndNames();

// Creates a back end; fails the running test when that is not possible.
std::unique_ptr<Poller> MakeBackEnd(const std::string& name);

// Waits once. Returns the readiness of one descriptor; 0 when it is not reported.
int ReadinessOf(Poller* poller, int fd, int timeout_ms = 0);

// Waits until `fd` reports `wanted`, possibly after other events.
bool Reports(Poller* poller, int fd, int wanted);

}  // namespace epoll_server::test

#endif  // EPOLL_SERVER_TEST_NATIVE_BACK_ENDS_H_
