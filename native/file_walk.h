// Resolves a path segment by segment, for systems that cannot confine it to a directory themselves.
// Every segment is opened from the directory before it, and the system never follows a link. So a
// rename during the walk cannot lead it out of the root.
#ifndef EPOLL_SERVER_NATIVE_FILE_WALK_H_
#define EPOLL_SERVER_NATIVE_FILE_WALK_H_

#include <string>

namespace epoll_server {

// Resolves `path` to its parent directory and its last name there. The name was no link at that
// moment; it is "." for the root itself. Returns the directory's descriptor, which the caller
// closes, or -errno (-EXDEV: the path leaves the root; -ELOOP: too many links; -ENAMETOOLONG: too
// many segments).
int WalkBeneath(int root, const char* path, std::string* last);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_FILE_WALK_H_
