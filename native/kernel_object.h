// The kernel object that JavaScript holds: its lifetime, and how the bridge to libuv enters
// JavaScript. Its calls are in addon.cc.
#ifndef EPOLL_SERVER_NATIVE_KERNEL_OBJECT_H_
#define EPOLL_SERVER_NATIVE_KERNEL_OBJECT_H_

#include <node_api.h>

#include <memory>

#include "kernel.h"
#include "loop_bridge.h"

namespace epoll_server {

// Each function that JavaScript holds owns a share of the object, and so does the running bridge.
class KernelObject : public std::enable_shared_from_this<KernelObject> {
 public:
  // Keeps a reference to `memory`, because the kernel holds pointers into it.
  KernelObject(napi_env env, napi_value memory);
  ~KernelObject() { ReleaseReferences(); }

  std::unique_ptr<Kernel> kernel;

  // From now on libuv calls `turn` when an event is ready or a deadline has passed. Returns 0 or
  // -errno.
  int Start(napi_value turn);

  // Whether the running kernel keeps the process alive, which it does at first. -EBADF: it does not
  // run.
  int SetReferenced(bool is_referenced);

  // Ends those calls at once. Safe to call twice, and from inside a turn.
  void Stop();

 private:
  static bool Enter(void* context);
  static void OnEnvironmentCleanup(napi_async_cleanup_hook_handle handle, void* context);
  static void OnBridgeClosed(void* context);
  void ReleaseTurn();
  void ReleaseReferences();

  napi_env env_;
  napi_ref memory_ = nullptr;
  napi_ref turn_ = nullptr;
  napi_async_context async_context_ = nullptr;
  napi_async_cleanup_hook_handle cleanup_hook_ = nullptr;
  LoopBridge* bridge_ = nullptr;
  std::shared_ptr<KernelObject> alive_;  // while the bridge's handles are open
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_KERNEL_OBJECT_H_
