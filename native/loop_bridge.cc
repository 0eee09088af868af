// Guest mode, host mode and the end of a LoopBridge.
#include "loop_bridge.h"

#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <iterator>
#include <utility>

namespace epoll_server {
namespace {

// Bounds on how long one libuv callback enters JavaScript before timers, file-system callbacks and
// other promises run. Measured: at 62,000 requests/s a 10 ms interval kept 494 of 500 ticks with
// these. A host that sees libuv's descriptor in each wait needs no such bound: it returns when that
// descriptor is ready.
constexpr int kMaxTurns = 64;
constexpr uint64_t kMaxDrainNs = 2000000;

// The longest timer. A later deadline is computed again when the timer fires. libuv takes whole
// milliseconds.
constexpr double kMaxTimerMs = 3600000;

// Hosts on one thread do not see each other's clients, so each waits this long in turn.
constexpr int kSharedWaitMs = 4;

double NowMs() { return static_cast<double>(uv_hrtime()) / 1e6; }

template <typename Handle>
uv_handle_t* Base(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

}  // namespace

struct LoopBridge::Handles {
  uv_loop_t* loop;
  uv_poll_t poll;        // guest: the poller's descriptor became readable
  uv_prepare_t prepare;  // before libuv blocks. Guest: runs unfinished work. Host: runs our wait
  uv_idle_t idle;        // running: libuv must not block
  uv_timer_t timer;      // guest: the earliest deadline
};

LoopBridge::~LoopBridge() { delete handles_; }

LoopBridge* LoopBridge::Start(uv_loop_s* loop, Kernel* kernel, EnterFunction enter, void* context,
                              int* error) {
  auto* bridge = new LoopBridge();
  bridge->handles_ = new Handles();
  bridge->handles_->loop = loop;
  bridge->kernel_ = kernel;
  bridge->control_ = kernel->control();
  bridge->enter_ = enter;
  bridge->context_ = context;
  const int descriptor = kernel->poller()->Descriptor();
  *error = descriptor >= 0 ? bridge->StartGuest(descriptor) : bridge->StartHost();
  if (*error == 0) return bridge;
  if (bridge->open_handles_ == 0) {
    delete bridge;
  } else {
    bridge->Stop([](void*) {});
  }
  return nullptr;
}

bool LoopBridge::Enter() {
  control_[kEntries] += 1;
  return enter_(context_) && !stopped_;
}

bool LoopBridge::MustEnter() const {
  return !stopped_ && (control_[kUnfinished] != 0 || kernel_->holds_input());
}

// ---- Guest -------------------------------------------------------------------------------------

int LoopBridge::StartGuest(int descriptor) {
  Handles& handles = *handles_;
  const int error = uv_poll_init(handles.loop, &handles.poll, descriptor);
  if (error != 0) return error;
  // These three cannot fail: they only link a handle into the loop.
  uv_prepare_init(handles.loop, &handles.prepare);
  uv_idle_init(handles.loop, &handles.idle);
  uv_timer_init(handles.loop, &handles.timer);
  handles.poll.data = handles.prepare.data = handles.idle.data = handles.timer.data = this;
  open_handles_ = 4;
  // The listening descriptor alone keeps the process alive.
  uv_unref(Base(&handles.prepare));
  uv_unref(Base(&handles.idle));
  uv_unref(Base(&handles.timer));
  uv_prepare_start(&handles.prepare, [](uv_prepare_t* handle) {
    auto* self = static_cast<LoopBridge*>(handle->data);
    if (self->MustEnter()) self->Drain();
  });
  return uv_poll_start(&handles.poll, UV_READABLE, [](uv_poll_t* handle, int, int) {
    static_cast<LoopBridge*>(handle->data)->Drain();
  });
}

// Enters JavaScript until no work is left or the budget is spent. The control words are read after
// each entry has returned, because promises drain there. With unfinished work there is no wait
// here, since JavaScript may still need the events of the last wait.
void LoopBridge::Drain() {
  if (stopped_) return;
  const uint64_t begin = uv_hrtime();
  for (int turn = 0; turn < kMaxTurns; ++turn) {
    if (!MustEnter() && kernel_->Prewait() == 0 && control_[kNowMs] < control_[kDueAtMs]) break;
    if (!Enter()) return;
    if (uv_hrtime() - begin > kMaxDrainNs) break;
  }
  Schedule();
}

void LoopBridge::Schedule() {
  // Unfinished work: libuv must look at its other handles and come back without blocking.
  if (MustEnter()) {
    uv_idle_start(&handles_->idle, [](uv_idle_t*) {});
  } else {
    uv_idle_stop(&handles_->idle);
  }
  if (control_[kDueAtMs] == timer_due_ms_) return;
  timer_due_ms_ = control_[kDueAtMs];
  if (!std::isfinite(timer_due_ms_)) {
    uv_timer_stop(&handles_->timer);
    return;
  }
  const double wait_ms = std::fmin(std::fmax(std::ceil(timer_due_ms_ - NowMs()), 0), kMaxTimerMs);
  // libuv counts from its cached time, which is as old as its last wake-up.
  const uint64_t lag_ms = uv_hrtime() / 1000000 - uv_now(handles_->loop);
  uv_timer_start(
      &handles_->timer,
      [](uv_timer_t* handle) {
        auto* self = static_cast<LoopBridge*>(handle->data);
        self->timer_due_ms_ = 0;
        self->Drain();
      },
      static_cast<uint64_t>(wait_ms) + lag_ms, 0);
}

// ---- Host --------------------------------------------------------------------------------------

int LoopBridge::StartHost() {
  Handles& handles = *handles_;
  const int libuv = uv_backend_fd(handles.loop);
  const int max_descriptors = kernel_->poller()->traits().max_descriptors;
  if (max_descriptors != 0 && libuv >= max_descriptors) return -EMFILE;
  Hosting& hosting = kernel_->hosting();
  hosting.libuv.fd = libuv;
  hosting.context = handles.loop;
  hosting.on_wake = [](void* loop) { uv_update_time(static_cast<uv_loop_t*>(loop)); };
  hosting.active = true;
  uv_prepare_init(handles.loop, &handles.prepare);
  uv_idle_init(handles.loop, &handles.idle);
  handles.prepare.data = handles.idle.data = this;
  open_handles_ = 2;
  // The prepare handle is referenced at first: it keeps the process alive, and a loop without a
  // referenced handle has nothing to wait for (uv_backend_timeout is 0 then).
  uv_unref(Base(&handles.idle));
  uv_prepare_start(&handles.prepare, OnPrepare);
  UpdateOtherHosts();
  return 0;
}

// Waits in place of libuv until libuv has work. The poll of libuv that follows must not block,
// because it does not watch our clients.
void LoopBridge::Host() {
  if (stopped_) return;
  Hosting& hosting = kernel_->hosting();
  const bool is_busy = kernel_->poller()->traits().busy;
  const uint64_t begin = uv_hrtime();
  for (int turn = 1;; ++turn) {
    bool libuv_has_work = false;
    hosting.timeout_ms = HostTimeoutMs(&libuv_has_work);
    hosting.libuv.ready = false;
    if (!Enter()) return;
    hosting.timeout_ms = 0;
    if (libuv_has_work || hosting.libuv.ready || !other_hosts_.empty()) break;
    if (is_busy && (turn == kMaxTurns || uv_hrtime() - begin > kMaxDrainNs)) break;
  }
  uv_idle_start(&handles_->idle, [](uv_idle_t*) {});
}

// Returns how long the next wait may block: until libuv's next timer or our own deadline. It is 0
// while either side has work. Sets `*libuv_has_work`.
int LoopBridge::HostTimeoutMs(bool* libuv_has_work) {
  uv_loop_t* loop = handles_->loop;
  // An active idle handle keeps libuv from blocking, and makes uv_backend_timeout 0. Our own idle
  // handles must not count here.
  uv_idle_stop(&handles_->idle);
  for (LoopBridge* other : other_hosts_) uv_idle_stop(&other->handles_->idle);
  uv_update_time(loop);
  const int libuv_ms = uv_backend_timeout(loop);
  for (LoopBridge* other : other_hosts_) {
    uv_idle_start(&other->handles_->idle, [](uv_idle_t*) {});
  }
  *libuv_has_work = libuv_ms == 0;
  if (*libuv_has_work || control_[kUnfinished] != 0) return 0;
  const double due_ms = std::fmax(std::ceil(control_[kDueAtMs] - NowMs()), 0);
  double wait_ms = std::fmin(due_ms, kMaxTimerMs);
  if (libuv_ms > 0) wait_ms = std::fmin(wait_ms, libuv_ms);
  if (!other_hosts_.empty()) wait_ms = std::fmin(wait_ms, kSharedWaitMs);
  return static_cast<int>(wait_ms);
}

void LoopBridge::OnPrepare(uv_prepare_s* handle) { static_cast<LoopBridge*>(handle->data)->Host(); }

// Updates the list of other hosts in every host of this loop, when one starts or stops.
void LoopBridge::UpdateOtherHosts() {
  std::vector<LoopBridge*> hosts;
  const auto collect = [](uv_handle_t* handle, void* found) {
    if (handle->type != UV_PREPARE || uv_is_closing(handle)) return;
    // Other libraries have prepare handles too; ours have this callback.
    if (reinterpret_cast<uv_prepare_t*>(handle)->prepare_cb != OnPrepare) return;
    static_cast<std::vector<LoopBridge*>*>(found)->push_back(
        static_cast<LoopBridge*>(handle->data));
  };
  uv_walk(handles_->loop, collect, &hosts);
  for (LoopBridge* host : hosts) {
    host->other_hosts_.clear();
    std::copy_if(hosts.begin(), hosts.end(), std::back_inserter(host->other_hosts_),
                 [host](const LoopBridge* other) { return other != host; });
  }
}

// ---- The life of the process -------------------------------------------------------------------

// The other handles are never referenced.
void LoopBridge::SetReferenced(bool is_referenced) {
  if (stopped_) return;
  uv_handle_t* handle =
      kernel_->hosting().active ? Base(&handles_->prepare) : Base(&handles_->poll);
  is_referenced ? uv_ref(handle) : uv_unref(handle);
}

// ---- The end -----------------------------------------------------------------------------------

void LoopBridge::OnHandleClosed(void* data) {
  auto* bridge = static_cast<LoopBridge*>(data);
  if (--bridge->open_handles_ > 0) return;
  bridge->closed_(bridge->context_);
  delete bridge;
}

void LoopBridge::Stop(ClosedFunction closed) {
  if (stopped_) return;
  stopped_ = true;
  closed_ = closed;
  const bool is_host = std::exchange(kernel_->hosting(), Hosting()).active;
  const auto close = [](uv_handle_t* handle) { OnHandleClosed(handle->data); };
  uv_close(Base(&handles_->prepare), close);
  uv_close(Base(&handles_->idle), close);
  if (is_host) {
    UpdateOtherHosts();
  } else {
    uv_close(Base(&handles_->poll), close);
    uv_close(Base(&handles_->timer), close);
  }
}

}  // namespace epoll_server
