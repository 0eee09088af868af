// The file calls that wait, in libuv's thread pool. Each calls its callback once.
#ifndef EPOLL_SERVER_NATIVE_FILE_JOBS_H_
#define EPOLL_SERVER_NATIVE_FILE_JOBS_H_

#include <node_api.h>

namespace epoll_server {

napi_value LookLater(napi_env env, napi_callback_info info);
napi_value OpenLater(napi_env env, napi_callback_info info);
napi_value ReadLater(napi_env env, napi_callback_info info);
napi_value ListLater(napi_env env, napi_callback_info info);
napi_value DescribeLater(napi_env env, napi_callback_info info);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_FILE_JOBS_H_
