// Creates the files object that JavaScript holds for one server.
#ifndef EPOLL_SERVER_NATIVE_FILE_CALLS_H_
#define EPOLL_SERVER_NATIVE_FILE_CALLS_H_

#include <node_api.h>

namespace epoll_server {

// createFiles(): an object with the calls of src/kernel/files.ts.
napi_value CreateFiles(napi_env env, napi_callback_info info);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_FILE_CALLS_H_
