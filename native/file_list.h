// Lists the names of a directory, and describes some of them; both run in a thread of the pool.
#ifndef EPOLL_SERVER_NATIVE_FILE_LIST_H_
#define EPOLL_SERVER_NATIVE_FILE_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "file.h"

namespace epoll_server {

struct ListBounds {
  size_t names;
  size_t bytes;  // of all names together, each with its NUL; at most 2^32 - 1
  bool shows_hidden;
};

// Directories first, then files, each in the order of the bytes of their names.
struct DirectoryNames {
  std::string text;              // each name ends with NUL
  std::vector<uint32_t> starts;  // the offset of each name in `text`, then the end of the last
  bool is_cut = false;           // the directory has more names than the bounds allow
  // While the state of a directory is the same, so are its names. Empty: changes are not detected.
  std::string state;
};

constexpr size_t kMaxStateBytes = 96;
constexpr int kUnchanged = 1;

// Fills `names` with the entries of `path` that lead to a directory or a regular file beneath
// `root`. May wait. Returns 0, -errno, or kUnchanged when the directory is still in the state
// `known`.
int ListBeneath(FileSystem* system, int root, const char* path, const ListBounds& bounds,
                const std::string& known, DirectoryNames* names);

constexpr size_t kFactsOfName = 3;
constexpr double kGone = 0;
constexpr double kIsFile = 1;
constexpr double kIsDirectory = 2;

// Fills `facts` with three numbers for each of `names`: its kind, its size in bytes and its
// modification time in ms since 1970. Each name ends with NUL. May wait. Returns 0 or -errno.
int DescribeBeneath(FileSystem* system, int root, const char* path, const std::string& names,
                    std::vector<double>* facts);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_FILE_LIST_H_
