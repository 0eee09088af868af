// Files below a directory, and what of them is in memory. Nothing here leaves the directory, opens
// anything but a regular file for reading, or waits for a disk unless the caller says that it may.
// It must not know about JavaScript; any thread may call it.
//
// What a caller may rely on (test/contract/files.contract.ts has a test for each sentence):
//  1. A path leads to what lies beneath the root, or nowhere: links are followed as long as they
//     stay inside, absolute ones and ".." beyond the root are -EXDEV, whoever renames meanwhile.
//  2. Only regular files are opened for reading: a directory is -EISDIR, everything else -ENXIO.
//  3. Without `may_wait` no call waits for a disk: what memory does not know is -EAGAIN.
//  4. LookAtOpen tells what an open file is by now, also when its name is gone.
//  5. A read is short only at the end of the file, or where memory ends and waiting was not
//  allowed.
//  6. What the system lacks is found out at the start: a call that fails later is that file's
//     error, and changes nothing for others.
//  7. Names are bytes, whatever they mean to others.
//  8. A job owns what it uses: closing a descriptor waits for the calls under way (descriptors.h).
#ifndef EPOLL_SERVER_NATIVE_FILE_H_
#define EPOLL_SERVER_NATIVE_FILE_H_

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>

namespace epoll_server {

// What tells one state of a file from another. Times are milliseconds since 1970.
struct FileStatus {
  double size;
  double modified_ms;
  double changed_ms;
  double device;
  double inode;
};

// What stat(2) found, with times as fine as this system tells apart.
FileStatus StatusOf(const struct stat& found);

// What this system can do. One is made for each owner of files; jobs of several threads read it.
struct FileSystem {
  // Tries the calls once.
  FileSystem();

  // False: it does not exist, or a container forbids it (EPERM): names are walked instead.
  bool has_openat2;
  bool has_cachestat;
};

// A directory beneath which files are opened: its device and inode, of which no other directory has
// both. Returns its descriptor or -errno.
int OpenRoot(const char* path, FileStatus* status);

// What `path` leads to. Returns 0 for a regular file, else -errno.
int LookBeneath(FileSystem* system, int root, const char* path, bool may_wait, FileStatus* status);

// What an open file is by now. Returns 0 or -errno.
int LookAtOpen(int file, FileStatus* status);

// Opens a regular file for reading. Returns its descriptor or -errno.
int OpenBeneath(FileSystem* system, int root, const char* path, bool may_wait, FileStatus* status);

// Opens a directory for reading its names. May wait. Returns its descriptor or -errno.
int OpenDirectoryBeneath(FileSystem* system, int root, const char* path);

// What `name` in an open directory is, links not followed. May wait. Returns 0 for a regular file
// and -EISDIR for a directory, with `status` filled; -ELOOP for a link; else -errno.
int LookIn(int directory, const char* name, FileStatus* status);

// Reads from `position` on. Returns the count, 0 at the end, or -errno.
int ReadFile(int file, uint8_t* bytes, size_t length, int64_t position, bool may_wait);

// Whether a range is in memory whole: 1 or 0; -errno where nobody can tell.
int IsResident(FileSystem* system, int file, int64_t position, size_t length);

// Sends a range of a file. Returns the count, 0 when the file ends before `position`, or -errno.
int SendFile(int socket, int file, int64_t position, size_t length);

// Gives back what was opened here. Returns 0 or -errno.
int CloseFile(int file);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_FILE_H_
