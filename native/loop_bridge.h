// Shares one thread between a kernel and libuv. In guest mode libuv watches the poller's
// descriptor, and the turn polls for itself when that descriptor becomes readable. Host mode is for
// pollers without a descriptor. Their own wait then blocks the thread, and watches libuv's
// descriptor beside those of the clients. Only this file and loop_bridge.cc include uv.h.
#ifndef EPOLL_SERVER_NATIVE_LOOP_BRIDGE_H_
#define EPOLL_SERVER_NATIVE_LOOP_BRIDGE_H_

#include <cstdint>
#include <vector>

#include "kernel.h"

struct uv_loop_s;
struct uv_prepare_s;

namespace epoll_server {

// Runs one turn in JavaScript; promises are drained when it returns. False: the environment is
// ending and must not be entered again.
using EnterFunction = bool (*)(void* context);

class LoopBridge {
 public:
  // Starts a bridge on `loop`. On failure returns null and sets `*error` to -errno (-EMFILE: the
  // poller cannot watch a descriptor as high as libuv's). `kernel` must live until Stop.
  static LoopBridge* Start(uv_loop_s* loop, Kernel* kernel, EnterFunction enter, void* context,
                           int* error);

  // Whether the loop goes on while nothing else keeps it alive; at first it does.
  void SetReferenced(bool is_referenced);

  // Stops at once and closes the handles. When libuv has closed them, calls `closed(context)` and
  // deletes the bridge. Safe from inside an entry and when called twice.
  using ClosedFunction = void (*)(void* context);
  void Stop(ClosedFunction closed);

 private:
  struct Handles;
  LoopBridge() = default;
  ~LoopBridge();
  static void OnHandleClosed(void* data);
  bool Enter();
  bool MustEnter() const;

  int StartGuest(int descriptor);
  void Drain();
  void Schedule();

  int StartHost();
  static void OnPrepare(uv_prepare_s* handle);
  void Host();
  int HostTimeoutMs(bool* libuv_waits);
  void UpdateOtherHosts();

  Handles* handles_ = nullptr;
  Kernel* kernel_ = nullptr;
  double* control_ = nullptr;
  EnterFunction enter_ = nullptr;
  ClosedFunction closed_ = nullptr;
  void* context_ = nullptr;
  double timer_due_ms_ = 0;
  int open_handles_ = 0;
  bool stopped_ = false;
  std::vector<LoopBridge*> other_hosts_;  // the other bridges in host mode on this loop
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_LOOP_BRIDGE_H_
