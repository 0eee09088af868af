// How one kernel starts, enters JavaScript and ends with its environment.
#include "kernel_object.h"

#include <cerrno>
#include <utility>

namespace epoll_server {

KernelObject::KernelObject(napi_env env, napi_value memory) : env_(env) {
  napi_create_reference(env, memory, 1, &memory_);
}

int KernelObject::Start(napi_value turn) {
  if (alive_) return -EALREADY;
  if (kernel->poller() == nullptr) return -EBADF;
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok) return -ENOTSUP;
  int error = 0;
  bridge_ = LoopBridge::Start(loop, kernel.get(), Enter, this, &error);
  if (bridge_ == nullptr) return error;
  napi_value name;
  napi_create_string_utf8(env_, "epoll-server", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env_, nullptr, name, &async_context_);
  napi_create_reference(env_, turn, 1, &turn_);
  // Without this hook worker.terminate() would free the loop under our open handles.
  napi_add_async_cleanup_hook(env_, OnEnvironmentCleanup, this, &cleanup_hook_);
  alive_ = shared_from_this();
  return 0;
}

int KernelObject::SetReferenced(bool is_referenced) {
  if (bridge_ == nullptr) return -EBADF;
  bridge_->SetReferenced(is_referenced);
  return 0;
}

void KernelObject::Stop() {
  if (bridge_ == nullptr) return;
  LoopBridge* bridge = std::exchange(bridge_, nullptr);
  ReleaseTurn();
  bridge->Stop(OnBridgeClosed);
}

void KernelObject::OnBridgeClosed(void* context) {
  auto* self = static_cast<KernelObject*>(context);
  napi_remove_async_cleanup_hook(self->cleanup_hook_);
  self->cleanup_hook_ = nullptr;
  self->alive_.reset();  // may delete self
}

void KernelObject::OnEnvironmentCleanup(napi_async_cleanup_hook_handle, void* context) {
  auto* self = static_cast<KernelObject*>(context);
  self->Stop();
  // JavaScript is not entered from here on. Its shared memory is freed with the environment.
  self->kernel->Shutdown();
  self->ReleaseReferences();
}

void KernelObject::ReleaseTurn() {
  if (turn_ != nullptr) napi_delete_reference(env_, std::exchange(turn_, nullptr));
  if (async_context_ != nullptr) napi_async_destroy(env_, std::exchange(async_context_, nullptr));
}

void KernelObject::ReleaseReferences() {
  ReleaseTurn();
  if (memory_ != nullptr) napi_delete_reference(env_, std::exchange(memory_, nullptr));
}

// Enters JavaScript once. An exception from a promise, a nextTick or a listener at the end of the
// entry is raised as uncaught. Left pending, it would make every later entry fail silently.
bool KernelObject::Enter(void* context) {
  auto* self = static_cast<KernelObject*>(context);
  napi_env env = self->env_;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return false;
  napi_value turn = nullptr;
  napi_status status = napi_get_reference_value(env, self->turn_, &turn);
  if (status == napi_ok) {
    // napi_make_callback needs a receiver, which a turn does not use.
    status = napi_make_callback(env, self->async_context_, turn, turn, 0, nullptr, nullptr);
  }
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) {
    napi_value exception;
    status = napi_get_and_clear_last_exception(env, &exception);
    if (status == napi_ok) status = napi_fatal_exception(env, exception);
  }
  napi_close_handle_scope(env, scope);
  return status == napi_ok;
}

}  // namespace epoll_server
