#include "file_walk.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <vector>

namespace epoll_server {
namespace {

// As many as Linux follows in one path (path_resolution(7)).
constexpr int kMaxLinks = 40;
// Each holds a descriptor while the walk lasts.
constexpr size_t kMaxDepth = 64;

int Result(int result) { return result < 0 ? -errno : result; }

// The directories from the root down to where the walk is.
class Trail {
 public:
  explicit Trail(int root) : directories_{Result(dup(root))} {}
  ~Trail() {
    for (const int directory : directories_) close(directory);
  }
  Trail(const Trail&) = delete;
  Trail& operator=(const Trail&) = delete;

  int top() const { return directories_.back(); }

  int Down(const std::string& name) {
    if (directories_.size() > kMaxDepth) return -ENAMETOOLONG;
    const int next =
        Result(openat(top(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (next >= 0) directories_.push_back(next);
    return next;
  }

  int Up() {
    if (directories_.size() == 1) return -EXDEV;
    close(top());
    directories_.pop_back();
    return 0;
  }

  // The caller owns what is returned.
  int Take() {
    const int directory = top();
    directories_.pop_back();
    return directory;
  }

 private:
  std::vector<int> directories_;
};

// Cuts the first segment off `path`; empty when there is none.
std::string NextSegment(std::string* path) {
  const size_t start = path->find_first_not_of('/');
  if (start == std::string::npos) {
    path->clear();
    return "";
  }
  const size_t end = path->find('/', start);
  std::string segment = path->substr(start, end == std::string::npos ? end : end - start);
  *path = end == std::string::npos ? "" : path->substr(end);
  return segment;
}

bool HasSegment(const std::string& path) {
  return path.find_first_not_of('/') != std::string::npos;
}

}  // namespace

int WalkBeneath(int root, const char* path, std::string* last) {
  Trail trail(root);
  if (trail.top() < 0) return trail.top();
  std::string rest = path;
  int links = 0;
  for (;;) {
    const std::string name = NextSegment(&rest);
    if (name.empty()) break;
    if (name == ".") continue;
    char target[PATH_MAX];
    const ssize_t length =
        name == ".." ? -1 : readlinkat(trail.top(), name.c_str(), target, sizeof(target));
    int status = 0;
    if (name == "..") {
      status = trail.Up();
    } else if (length >= 0) {
      if (++links > kMaxLinks) return -ELOOP;
      if (static_cast<size_t>(length) == sizeof(target)) return -ENAMETOOLONG;
      if (length > 0 && target[0] == '/') return -EXDEV;
      rest = std::string(target, static_cast<size_t>(length)) + "/" + rest;
    } else if (errno != EINVAL) {
      return -errno;
    } else if (!HasSegment(rest)) {
      *last = name;
      return trail.Take();
    } else {
      status = trail.Down(name);
    }
    if (status < 0) return status;
  }
  *last = ".";
  return trail.Take();
}

}  // namespace epoll_server
