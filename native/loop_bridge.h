// Shares one thread with libuv. Guest mode, for pollers that have a descriptor: libuv watches it
// and says when to begin; whoever is entered polls for itself. Host mode, for those that have none:
// the poller's own wait is the outer one, with libuv's descriptor beside the clients'. The only
// pair of files that includes uv.h. It must not know Node-API: it is given a function to call.
#ifndef EPOLL_SERVER_NATIVE_LOOP_BRIDGE_H_
#define EPOLL_SERVER_NATIVE_LOOP_BRIDGE_H_

#include <cstdint>
#include <vector>

#include "kernel.h"

struct uv_loop_s;
struct uv_prepare_s;

namespace epoll_server {

// Runs one turn in JavaScript, promises drained when it returns. False: the environment is going
// away and must not be entered again.
using EnterFunction = bool (*)(void* context);

class LoopBridge {
 public:
  // Starts to watch. On failure returns null and sets `*error` to -errno (-EMFILE: libuv's own
  // descriptor is beyond what the poller can watch). `kernel` must live until Stop.
  static LoopBridge* Start(uv_loop_s* loop, Kernel* kernel, EnterFunction enter, void* context,
                           int* error);

  // Whether the loop goes on while nothing else keeps it alive; at first it does.
  void SetReferenced(bool is_referenced);

  // Stops at once, closes the handles, calls `closed(context)` when libuv let go of them, and then
  // deletes itself. Safe from inside an entry and when called twice.
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
  void MeetNeighbours();

  Handles* handles_ = nullptr;
  Kernel* kernel_ = nullptr;
  double* control_ = nullptr;
  EnterFunction enter_ = nullptr;
  ClosedFunction closed_ = nullptr;
  void* context_ = nullptr;
  double timer_due_ms_ = 0;
  int open_handles_ = 0;
  bool stopped_ = false;
  std::vector<LoopBridge*> neighbours_;  // the other hosts of this loop
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_LOOP_BRIDGE_H_
