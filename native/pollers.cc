// Name -> constructor, best first. The only file with #ifdef: what an operating system lacks is
// left out here and nowhere else.
#include "pollers.h"

#include <cerrno>

namespace epoll_server {

#ifdef __linux__
std::unique_ptr<Poller> MakeEpollPoller(int* error);
#endif

namespace {

struct BackEnd {
  const char* name;
  std::unique_ptr<Poller> (*make)(int* error);
};

constexpr BackEnd kBackEnds[] = {
#ifdef __linux__
    {"epoll", MakeEpollPoller},
#endif
};

}  // namespace

std::vector<std::string> PollerNames() {
  std::vector<std::string> names;
  for (const BackEnd& back_end : kBackEnds) names.emplace_back(back_end.name);
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
