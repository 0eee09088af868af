// The open files of one server. Each function that JavaScript holds owns a share, and so does each
// job in the thread pool. When the last share ends, the descriptors that are still open are closed.
// A job ends before its environment (Node waits for it), so both may use `env`.
#ifndef EPOLL_SERVER_NATIVE_FILE_OBJECT_H_
#define EPOLL_SERVER_NATIVE_FILE_OBJECT_H_

#include <node_api.h>

#include <memory>

#include "descriptors.h"
#include "file.h"

namespace epoll_server {

struct FileObject {
  explicit FileObject(napi_env env_in) : env(env_in) {}
  FileObject(const FileObject&) = delete;
  FileObject& operator=(const FileObject&) = delete;
  ~FileObject() { napi_delete_reference(env, status_array); }

  // Copies a result to the array that JavaScript reads.
  void WriteStatus(const FileStatus& found) {
    const double words[] = {found.size, found.modified_ms, found.changed_ms, found.device,
                            found.inode};
    for (size_t i = 0; i < kStatusWords; ++i) status[i] = words[i];
  }

  static constexpr size_t kStatusWords = 5;
  napi_env env;
  FileSystem system;
  Descriptors open;
  double* status = nullptr;  // the memory of `status_array`
  napi_ref status_array = nullptr;
  bool destroyed = false;
};

using FileOwner = std::shared_ptr<FileObject>;

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_FILE_OBJECT_H_
