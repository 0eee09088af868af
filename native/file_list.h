// The names of a directory, read and sorted in a thread of the pool, and what is known of some of
// them. It must not know JavaScript.
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
  size_t bytes;  // of the names together, each with its NUL; at most what 32 bits count
  bool shows_hidden;
};

// Directories first, then files, each in the order of the bytes of their names.
struct DirectoryNames {
  std::string text;              // each name ends with NUL
  std::vector<uint32_t> starts;  // of each name in `text`, and where the last one ends
  bool is_cut = false;           // the directory has more than the bounds let in
  // As long as a directory has this state, it has these names. Empty: they may change unnoticed.
  std::string state;
};

constexpr size_t kMaxStateBytes = 96;
constexpr int kUnchanged = 1;

// Fills `names` with what leads to a directory or a regular file beneath `root`. May wait. Returns
// 0, -errno, or kUnchanged when the directory is still in the state `known`.
int ListBeneath(FileSystem* system, int root, const char* path, const ListBounds& bounds,
                const std::string& known, DirectoryNames* names);

constexpr size_t kFactsOfName = 3;
constexpr double kGone = 0;
constexpr double kIsFile = 1;
constexpr double kIsDirectory = 2;

// Fills `facts` with three numbers for each of `names`, which end with NUL: what it is, its bytes
// and its modification time. May wait. Returns 0 or -errno.
int DescribeBeneath(FileSystem* system, int root, const char* path, const std::string& names,
                    std::vector<double>* facts);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_FILE_LIST_H_
