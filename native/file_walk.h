// Finds what a path leads to segment by segment, for systems that cannot confine it themselves.
// Every segment is opened from the directory in front of it, and no link is ever followed by the
// system, so that nobody who renames meanwhile can lead the walk out.
#ifndef EPOLL_SERVER_NATIVE_FILE_WALK_H_
#define EPOLL_SERVER_NATIVE_FILE_WALK_H_

#include <string>

namespace epoll_server {

// The directory in which `path` ends, and its last name there: never a link at that moment, "." for
// the root itself. Returns the directory's descriptor, which is the caller's, or -errno: -EXDEV
// when the path leaves the root, -ELOOP for too many links, -ENAMETOOLONG for too many segments.
int WalkBeneath(int root, const char* path, std::string* last);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_FILE_WALK_H_
