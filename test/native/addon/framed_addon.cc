// An addon with the framed transport for tests in JavaScript. framed(sendBufferBytes) returns a
// kind for kernel.attach; living() is the number of transports that are not destroyed.
#include <node_api.h>

#include <memory>

#include "framed_transport.h"
#include "transport_handle.h"

namespace epoll_server::test {
namespace {

napi_value Framed(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value size = nullptr;
  int32_t send_buffer_bytes = 0;
  napi_get_cb_info(env, info, &count, &size, nullptr, nullptr);
  napi_get_value_int32(env, size, &send_buffer_bytes);
  return TransportHandle(env, std::make_unique<FramedKind>(send_buffer_bytes));
}

napi_value Living(napi_env env, napi_callback_info) {
  napi_value count = nullptr;
  napi_create_int32(env, FramedTransport::living, &count);
  return count;
}

void Export(napi_env env, napi_value exports, const char* name, napi_callback call) {
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace

napi_value Init(napi_env env, napi_value exports) {
  Export(env, exports, "framed", Framed);
  Export(env, exports, "living", Living);
  return exports;
}

}  // namespace epoll_server::test

NAPI_MODULE_INIT() { return epoll_server::test::Init(env, exports); }
