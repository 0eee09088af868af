// The arguments of one call from JavaScript, and its result: small integers and borrowed bytes.
#ifndef EPOLL_SERVER_NATIVE_ARGUMENTS_H_
#define EPOLL_SERVER_NATIVE_ARGUMENTS_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "name_text.h"

namespace epoll_server {

struct Arguments {
  static constexpr size_t kMax = 7;

  napi_env env;
  napi_value values[kMax] = {};
  size_t count = kMax;   // arguments passed
  void* data = nullptr;  // the data pointer of napi_create_function

  Arguments(napi_env env_in, napi_callback_info info) : env(env_in) {
    napi_get_cb_info(env, info, &count, values, nullptr, &data);
  }

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

  int64_t Long(int index) const {
    int64_t value = -1;
    napi_get_value_int64(env, values[index], &value);
    return value;
  }

  // Copies a string. False: it does not fit, or a NUL in it would end it early.
  template <size_t size>
  bool Text(int index, char (&text)[size]) const {
    size_t length = 0;
    size_t whole = 0;
    text[0] = '\0';
    napi_get_value_string_utf8(env, values[index], text, size, &length);
    napi_get_value_string_utf8(env, values[index], nullptr, 0, &whole);
    return length == whole && std::strlen(text) == length;
  }

  // Copies the name of a file, whose bytes need not be UTF-8 (name_text.h). False: as above.
  template <size_t size>
  bool Name(int index, char (&name)[size]) const {
    if (!Text(index, name)) return false;
    // Node-API replaces what is not valid UTF-16 by U+FFFD.
    if (std::strstr(name, "\xEF\xBF\xBD") == nullptr) return true;
    std::u16string text(size, u'\0');
    size_t length = 0;
    napi_get_value_string_utf16(env, values[index], text.data(), size, &length);
    text.resize(length);
    const std::string bytes = NameOfText(text);
    if (bytes.size() >= size) return false;
    std::memcpy(name, bytes.c_str(), bytes.size() + 1);
    return true;
  }

  // The bytes of a Uint8Array; null for any other value.
  uint8_t* Bytes(int index, size_t* size) const {
    void* bytes = nullptr;
    napi_typedarray_type type = napi_float64_array;
    const napi_status status =
        napi_get_typedarray_info(env, values[index], &type, size, &bytes, nullptr, nullptr);
    if (status != napi_ok || type != napi_uint8_array) return nullptr;
    static uint8_t nothing;  // an empty array has no memory
    return bytes == nullptr ? &nothing : static_cast<uint8_t*>(bytes);
  }

  // A piece of a Uint8Array: bytes, offset and length are the arguments from `index` on.
  uint8_t* Piece(int index, size_t* length) const {
    size_t size = 0;
    uint8_t* bytes = Bytes(index, &size);
    const int64_t offset = Long(index + 1);
    const int64_t wanted = Long(index + 2);
    if (bytes == nullptr || offset < 0 || wanted < 0) return nullptr;
    const uint64_t end = static_cast<uint64_t>(offset) + static_cast<uint64_t>(wanted);
    if (end > size) return nullptr;
    *length = static_cast<size_t>(wanted);
    return bytes + offset;
  }

  napi_value Return(int32_t value) const {
    napi_value result = nullptr;
    napi_create_int32(env, value, &result);
    return result;
  }
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_ARGUMENTS_H_
