// The interface of every back end: which descriptors are ready. Bits of the operating system never
// leave a back end.
//
// What a caller may rely on (test/contract/poller.contract.ts has one test for each sentence):
//  1. Events may be spurious: EAGAIN after an event is normal.
//  2. After READABLE, read until EAGAIN, or until a short read if the event carried neither HANGUP
//     nor FAILED. No second event follows for what is left.
//  3. HANGUP and FAILED also set READABLE | WRITABLE: recv and send return the cause.
//  4. An event may be stale (its descriptor was closed, perhaps reused); a different generation
//     shows it.
//  5. Add of a known descriptor is -EEXIST, Rearm and Remove of an unknown one -ENOENT; a refused
//     Add leaves no trace.
//  6. Time-outs never end early; EINTR is retried for what remains; -1 waits for ever.
//  7. A back end that is not edge-triggered also reports a direction once, and not again until
//     Rearm. Kernel calls Rearm after EAGAIN or a short count.
//  8. A descriptor at or above traits().max_descriptors is refused with -EMFILE.
//  9. A batch has at most one event for a descriptor and generation. So Kernel needs one prefetch
//     slot for each event (Kernel::Prefetch).
#ifndef EPOLL_SERVER_NATIVE_POLLER_H_
#define EPOLL_SERVER_NATIVE_POLLER_H_

#include <cstdint>
#include <memory>

namespace epoll_server {

// Readiness and interest, the same numbers in src/kernel/kernel.ts.
enum Readiness : int32_t {
  kReadable = 1,
  kWritable = 2,
  kHangup = 4,  // the peer finished sending, or both directions ended
  kFailed = 8,  // an error is pending on the socket
};

// In Event::prefetched: nothing was received for the event.
constexpr int32_t kNotPrefetched = INT32_MIN;

// One entry of the event array shared with JavaScript: four 32-bit integers, no padding.
struct Event {
  int32_t fd;
  int32_t generation;
  int32_t readiness;
  int32_t prefetched = kNotPrefetched;  // or the result of recv(2); written by Kernel
};
static_assert(sizeof(Event) == 4 * sizeof(int32_t), "JavaScript reads four words of an event");

// The properties of a back end. Code depends on these, never on the operating system.
struct Traits {
  const char* name;
  bool edge_triggered;      // reports a change once; Rearm is not needed
  bool has_descriptor;      // Descriptor() can be watched by another loop
  bool sees_hangup;         // reports kHangup without a read
  int32_t max_descriptors;  // descriptors must be below this number; 0: no such bound
  bool busy;                // never blocks: always reports every descriptor as ready
};

// A foreign descriptor that ends a wait when it becomes readable. It is libuv's, for back ends that
// libuv cannot watch.
struct Companion {
  int fd;
  bool ready;  // written by WaitBeside
};

class Poller {
 public:
  virtual ~Poller() = default;

  virtual const Traits& traits() const = 0;

  // The descriptor that becomes readable when Wait has events, or -1.
  virtual int Descriptor() const = 0;

  // Starts to watch `fd` for `interest`. Returns 0 or -errno.
  virtual int Add(int fd, int32_t generation, int32_t interest) = 0;

  // Arms the next event of `interest` on a known descriptor. Returns 0 or -errno.
  virtual int Rearm(int fd, int32_t generation, int32_t interest) = 0;

  // Stops watching. Returns 0 or -errno.
  virtual int Remove(int fd) = 0;

  // Called before close(2): removes `fd` unless the system does so by itself.
  virtual void Closing(int fd) = 0;

  // Waits at most `timeout_ms` (-1: for ever) and fills `events`. Returns their number or -errno.
  int Wait(Event* events, int capacity, int timeout_ms) {
    return WaitBeside(events, capacity, timeout_ms, nullptr);
  }

  // The same, but also returns when `companion` (null: none) is readable. Only back ends without a
  // descriptor use it; busy ones ignore it.
  virtual int WaitBeside(Event* events, int capacity, int timeout_ms, Companion* companion) = 0;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_POLLER_H_
