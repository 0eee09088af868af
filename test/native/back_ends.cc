// Creates back ends for the tests and reads the readiness of one descriptor.
#include "back_ends.h"

#include "harness.h"
#include "pollers.h"

namespace epoll_server {

std::unique_ptr<Poller> MakeKqueuePoller(int* error);

}  // namespace epoll_server

namespace epoll_server::test {
namespace {

constexpr int kEnough = 16;  // room for more events than any test here makes

}  // namespace

std::vector<std::string> BackEndNames() {
  std::vector<std::string> names = PollerNames();
  names.emplace_back("kqueue");
  return names;
}

std::unique_ptr<Poller> MakeBackEnd(const std::string& name) {
  int error = 0;
  std::unique_ptr<Poller> poller =
      name == "kqueue" ? MakeKqueuePoller(&error) : MakePoller(name, &error);
  CHECK(poller != nullptr);
  CHECK_EQ(error, 0);
  return poller;
}

int ReadinessOf(Poller* poller, int fd, int timeout_ms) {
  Event events[kEnough] = {};
  const int count = poller->Wait(events, kEnough, timeout_ms);
  int readiness = 0;
  for (int i = 0; i < count; ++i) {
    if (events[i].fd == fd) readiness |= events[i].readiness;
  }
  return readiness;
}

bool Reports(Poller* poller, int fd, int wanted) {
  for (int tries = 0; tries < 100; ++tries) {
    if ((ReadinessOf(poller, fd, 100) & wanted) == wanted) return true;
  }
  return false;
}

}  // namespace epoll_server::test
