// What one server has open, as JavaScript holds it. Each function that JavaScript has owns a share,
// and so does each job in the thread pool: what is still open is closed with the last of them.
#ifndef EPOLL_SERVER_NATIVE_FILE_OBJECT_H_
#define EPOLL_SERVER_NATIVE_FILE_OBJECT_H_

#include <node_api.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "file.h"

namespace epoll_server {

struct FileObject {
  explicit FileObject(napi_env env_in) : env(env_in) {}
  FileObject(const FileObject&) = delete;
  FileObject& operator=(const FileObject&) = delete;
  ~FileObject() {
    CloseAll();
    napi_delete_reference(env, status_array);
  }

  // Enters a descriptor as open; passes errors on.
  int Opened(int fd) {
    if (fd < 0) return fd;
    const size_t at = static_cast<size_t>(fd);
    if (at >= open.size()) open.resize(at + 1);
    open[at] = true;
    return fd;
  }

  bool IsOpen(int fd) const {
    const size_t at = static_cast<size_t>(fd);
    return fd >= 0 && at < open.size() && open[at];
  }

  // Returns what close(2) does; -EBADF when it is not open here.
  int Close(int fd) {
    if (!IsOpen(fd)) return -EBADF;
    open[static_cast<size_t>(fd)] = false;
    return CloseFile(fd);
  }

  void CloseAll() {
    for (size_t fd = 0; fd < open.size(); ++fd) Close(static_cast<int>(fd));
  }

  void Tell(const FileStatus& found) {
    const double words[] = {found.size, found.modified_ms, found.changed_ms, found.device,
                            found.inode};
    for (size_t i = 0; i < kStatusWords; ++i) status[i] = words[i];
  }

  static constexpr size_t kStatusWords = 5;
  napi_env env;
  FileSystem system;
  std::vector<bool> open;    // by descriptor, so that asking takes one look
  double* status = nullptr;  // the memory of `status_array`
  napi_ref status_array = nullptr;
  bool destroyed = false;
};

using FileOwner = std::shared_ptr<FileObject>;

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_FILE_OBJECT_H_
