// The arguments of one call from JavaScript, as C++ values. It checks nothing: TypeScript does.
#ifndef EPOLL_SERVER_NATIVE_CALL_H_
#define EPOLL_SERVER_NATIVE_CALL_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernel_object.h"

namespace epoll_server {

// The arguments of one call: the kernel, and up to five values.
struct Call {
  napi_env env;
  napi_value values[5] = {};
  KernelObject* object = nullptr;

  Call(napi_env env_in, napi_callback_info info) : env(env_in) {
    size_t count = 5;
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, values, nullptr, &data);
    object = static_cast<KernelObject*>(data);
  }

  Kernel& kernel() const { return *object->kernel; }

  int32_t Int(int index) const {
    int32_t value = -1;
    napi_get_value_int32(env, values[index], &value);
    return value;
  }

  uint32_t Unsigned(int index) const {
    uint32_t value = 0;
    napi_get_value_uint32(env, values[index], &value);
    return value;
  }

  bool IsTrue(int index) const {
    bool value = false;
    napi_get_value_bool(env, values[index], &value);
    return value;
  }

  std::string Text(int index) const {
    char text[256] = "";
    size_t length = 0;
    napi_get_value_string_utf8(env, values[index], text, sizeof(text), &length);
    return std::string(text, length);
  }

  // The bytes of a Uint8Array argument; null if it is none.
  const uint8_t* Bytes(int index, size_t* size) const {
    void* data = nullptr;
    napi_typedarray_type type = napi_float64_array;
    const napi_status status =
        napi_get_typedarray_info(env, values[index], &type, size, &data, nullptr, nullptr);
    return status == napi_ok && type == napi_uint8_array ? static_cast<uint8_t*>(data) : nullptr;
  }

  napi_value Return(int32_t value) const {
    napi_value result = nullptr;
    napi_create_int32(env, value, &result);
    return result;
  }
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_CALL_H_
