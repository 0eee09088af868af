// Resolves a path with openat(2) and readlinkat(2), one segment at a time.
#include "file_walk.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <vector>

namespace epoll_server {
namespace {

// The number that Linux follows in one path (path_resolution(7)).
constexpr int kMaxLinks = 40;
// Each level keeps a descriptor open during the walk.
constexpr size_t kMaxDepth = 64;

int Result(int result) { return result < 0 ? -errno : result; }

// The open directories from the root down to the current one.
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

  // Removes the current directory and returns it; the caller owns it.
  int Pop() {
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
  if (*path == '/') return -EXDEV;
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
      return trail.Pop();
    } else {
      status = trail.Down(name);
    }
    if (status < 0) return status;
  }
  *last = ".";
  return trail.Pop();
}

}  // namespace epoll_server
