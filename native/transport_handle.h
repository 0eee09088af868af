// The object with which JavaScript holds a kind of transport. Its type tag tells it from every
// other object. Another addon may make such an object; the tests do (test/native/addon/).
#ifndef EPOLL_SERVER_NATIVE_TRANSPORT_HANDLE_H_
#define EPOLL_SERVER_NATIVE_TRANSPORT_HANDLE_H_

#include <node_api.h>

#include <memory>

#include "transport.h"

namespace epoll_server {

// Identifies the interface in transport.h: a change there needs another tag.
constexpr napi_type_tag kTransportKindTag = {0x6b1d7a03c2f84e51, 0x9c40e2f7158b3da7};

// Returns an object that owns `kind` until it is collected; null: an exception is pending.
inline napi_value TransportHandle(napi_env env, std::unique_ptr<TransportKind> kind) {
  const auto destroy = [](napi_env, void* data, void*) {
    delete static_cast<TransportKind*>(data);
  };
  napi_value object = nullptr;
  if (napi_create_object(env, &object) != napi_ok) return nullptr;
  if (napi_type_tag_object(env, object, &kTransportKindTag) != napi_ok) return nullptr;
  if (napi_wrap(env, object, kind.get(), destroy, nullptr, nullptr) != napi_ok) return nullptr;
  kind.release();
  return object;
}

// Returns the kind that `object` owns, or null when the object has another type.
inline TransportKind* TransportKindOf(napi_env env, napi_value object) {
  bool is_kind = false;
  void* kind = nullptr;
  napi_valuetype type = napi_undefined;
  napi_typeof(env, object, &type);
  if (type != napi_object) return nullptr;
  napi_check_object_type_tag(env, object, &kTransportKindTag, &is_kind);
  if (is_kind) napi_unwrap(env, object, &kind);
  return static_cast<TransportKind*>(kind);
}

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_TRANSPORT_HANDLE_H_
