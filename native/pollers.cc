// The constructors of the back ends by name, best first. This is the only file with #ifdef: what an
// operating system lacks is left out here.
#include "pollers.h"

#include <poll.h>

#include <cerrno>

namespace epoll_server {

#ifdef __linux__
std::unique_ptr<Poller> MakeEpollPoller(int* error);
#endif
#ifdef __APPLE__
std::unique_ptr<Poller> MakeKqueuePoller(int* error);
bool KqueueNests();
#endif
std::unique_ptr<Poller> MakePollPoller(short rdhup);
std::unique_ptr<Poller> MakeSelectPoller(int* error);
std::unique_ptr<Poller> MakeScanPoller(int* error);

namespace {

std::unique_ptr<Poller> MakePoll(int*) {
#ifdef POLLRDHUP
  return MakePollPoller(POLLRDHUP);
#else
  return MakePollPoller(0);
#endif
}

struct BackEnd {
  const char* name;
  std::unique_ptr<Poller> (*make)(int* error);
  bool (*works)();  // null: it always works
};

constexpr BackEnd kBackEnds[] = {
#ifdef __linux__
    {"epoll", MakeEpollPoller, nullptr},
#endif
#ifdef __APPLE__
    // libuv's descriptor is a kqueue there, which poll(2) of macOS does not watch: select before
    // poll.
    {"kqueue", MakeKqueuePoller, KqueueNests},
    {"select", MakeSelectPoller, nullptr},
    {"poll", MakePoll, nullptr},
#else
    {"poll", MakePoll, nullptr},
    {"select", MakeSelectPoller, nullptr},
#endif
    {"scan", MakeScanPoller, nullptr},
};

}  // namespace

std::vector<std::string> PollerNames() {
  std::vector<std::string> names;
  for (const BackEnd& back_end : kBackEnds) {
    if (back_end.works == nullptr || back_end.works()) names.emplace_back(back_end.name);
  }
  return names;
}

std::unique_ptr<Poller> MakePoller(const std::string& name, int* error) {
  for (const BackEnd& back_end : kBackEnds) {
    if (name == back_end.name) return back_end.make(error);
  }
  *error = -EINVAL;
  return nullptr;
}

}  // namespace epoll_server
