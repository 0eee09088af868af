// Files below a root directory: look-up, open, read and send, without leaving that directory. Any
// thread may call these functions.
//
// What a caller may rely on (test/contract/files.contract.ts has a test for each sentence):
// 1. A path never leads out of the root. Links are followed as long as they stay inside; absolute
//    ones and ".." beyond the root are -EXDEV. Renames during the call do not change that.
//  2. Only regular files are opened for reading: a directory is -EISDIR, any other type -ENXIO.
//  3. Without `may_wait` no call waits for a disk: what is not in memory is -EAGAIN.
//  4. LookAtOpen returns the current status of an open file, also when its name is gone.
//  5. A read is short only at the end of the file or, without `may_wait`, where the next bytes are
//     not in memory.
//  6. Calls that the system lacks are detected at the start. A call that fails later is an error of
//     that file, and changes nothing for others.
//  7. Names are bytes, in any encoding or none.
//  8. close(2) of a descriptor is delayed until the jobs that use it have ended (descriptors.h).
#ifndef EPOLL_SERVER_NATIVE_FILE_H_
#define EPOLL_SERVER_NATIVE_FILE_H_

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>

namespace epoll_server {

// The values that change when a file changes. Times are milliseconds since 1970.
struct FileStatus {
  double size;
  double modified_ms;
  double changed_ms;
  double device;
  double inode;
};

// Converts the result of stat(2), with times as fine as this system has them.
FileStatus StatusOf(const struct stat& found);

// The system calls that this system supports. Each FileObject has one; jobs of several threads read
// it.
struct FileSystem {
  // Tries each call once.
  FileSystem();

  // False: it does not exist, or a container forbids it (EPERM). WalkBeneath is used instead.
  bool has_openat2;
  bool has_cachestat;
};

// Opens the root directory. Fills `status`, whose device and inode identify it. Returns its
// descriptor or -errno.
int OpenRoot(const char* path, FileStatus* status);

// Fills `status` for the file at `path`. Returns 0 for a regular file, else -errno.
int LookBeneath(FileSystem* system, int root, const char* path, bool may_wait, FileStatus* status);

// Fills `status` for an open file. Returns 0 or -errno.
int LookAtOpen(int file, FileStatus* status);

// Opens a regular file for reading. Returns its descriptor or -errno.
int OpenBeneath(FileSystem* system, int root, const char* path, bool may_wait, FileStatus* status);

// Opens a directory for reading its names. May wait. Returns its descriptor or -errno.
int OpenDirectoryBeneath(FileSystem* system, int root, const char* path);

// Looks up `name` in an open directory without following links. May wait. Returns 0 for a regular
// file and -EISDIR for a directory, with `status` filled; -ELOOP for a link; else -errno.
int LookIn(int directory, const char* name, FileStatus* status);

// Reads from `position` on. Returns the count, 0 at the end, or -errno.
int ReadFile(int file, uint8_t* bytes, size_t length, int64_t position, bool may_wait);

// Whether a whole range is in memory: 1 or 0; -errno where the system does not report it.
int IsResident(FileSystem* system, int file, int64_t position, size_t length);

// Sends a range of a file. Returns the count, 0 when the file ends before `position`, or -errno.
int SendFile(int socket, int file, int64_t position, size_t length);

// Closes a descriptor that was opened here. Returns 0 or -errno.
int CloseFile(int file);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_FILE_H_
