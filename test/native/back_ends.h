// The back ends that the contract is run against.
#ifndef EPOLL_SERVER_TEST_NATIVE_BACK_ENDS_H_
#define EPOLL_SERVER_TEST_NATIVE_BACK_ENDS_H_

#include <memory>
#include <string>
#include <vector>

#include "poller.h"

namespace epoll_server::test {

// Those of this build, and kqueue: the system's own, or over the stand-in.
std::vector<std::string> BackEndNames();

// Makes one of them; fails the running test when that does not work.
std::unique_ptr<Poller> MakeBackEnd(const std::string& name);

// What one wait says of one descriptor; 0 when it says nothing.
int ReadinessOf(Poller* poller, int fd, int timeout_ms = 0);

// Waits until `fd` reports `wanted`, whatever else comes before.
bool Reports(Poller* poller, int fd, int wanted);

}  // namespace epoll_server::test

#endif  // EPOLL_SERVER_TEST_NATIVE_BACK_ENDS_H_
