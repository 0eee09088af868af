// Shares one thread with libuv, guest mode: libuv watches the poller's descriptor and says when to
// begin; whoever is entered polls for itself. The only pair of files that includes uv.h.
// It must not know Node-API: it is given a function to call.
#ifndef EPOLL_SERVER_NATIVE_LOOP_BRIDGE_H_
#define EPOLL_SERVER_NATIVE_LOOP_BRIDGE_H_

#include <cstdint>

struct uv_loop_s;

namespace epoll_server {

// Runs one turn in JavaScript, promises drained when it returns. False: the environment is going
// away and must not be entered again.
using EnterFunction = bool (*)(void* context);

class LoopBridge {
 public:
  // Starts to watch. `control` is the kernel's control words. On failure returns null and sets
  // `*error` to -errno.
  static LoopBridge* Start(uv_loop_s* loop, int descriptor, double* control, EnterFunction enter,
                           void* context, int* error);

  // Stops at once, closes the handles, calls `closed(context)` when libuv let go of them, and then
  // deletes itself. Safe from inside an entry and when called twice.
  using ClosedFunction = void (*)(void* context);
  void Stop(ClosedFunction closed);

 private:
  struct Handles;
  LoopBridge() = default;
  ~LoopBridge();
  static void OnHandleClosed(void* data);
  bool MustEnter() const;
  void Drain();
  void Schedule();

  Handles* handles_ = nullptr;
  double* control_ = nullptr;
  EnterFunction enter_ = nullptr;
  ClosedFunction closed_ = nullptr;
  void* context_ = nullptr;
  double timer_due_ms_ = 0;
  int open_handles_ = 0;
  bool stopped_ = false;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_LOOP_BRIDGE_H_
