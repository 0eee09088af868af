// The contract that every back end keeps: which descriptors are ready, in our own words.
// It must not know about JavaScript, libuv or HTTP; operating-system bits never leave a back end.
//
// What a caller may rely on (test/contract/poller.contract.ts has one test for each sentence):
//  1. Events may be spurious: EAGAIN after an event is normal.
//  2. After READABLE, read until EAGAIN, or until a short read if the event carried neither HANGUP
//     nor FAILED. No second event is owed for what is left.
//  3. HANGUP and FAILED also set READABLE | WRITABLE: the truth comes from recv and send.
//  4. An event may be stale (its descriptor was closed, perhaps reused); the generation tells.
//  5. Add of a known descriptor is -EEXIST, Rearm and Remove of an unknown one -ENOENT; a refused
//     Add leaves no trace.
//  6. Time-outs never end early; EINTR is retried for what remains; -1 waits for ever.
//  7. A back end that is not edge-triggered reports a direction once too, and then not again until
//     Rearm asks for it: the kernel above does that after EAGAIN or a short count.
//  8. A descriptor at or above traits().max_descriptors is refused with -EMFILE.
//  9. A batch names a life of a descriptor once, so the kernel above has one event word and one
//     prefetch slot for what it receives for that event (Kernel::Prefetch).
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
  int32_t prefetched = kNotPrefetched;  // else what recv(2) returned; the kernel above writes it
};
static_assert(sizeof(Event) == 4 * sizeof(int32_t), "JavaScript reads four words of an event");

// What a back end is like. Ask this, never for the operating system.
struct Traits {
  const char* name;
  bool edge_triggered;      // reports a change once; Rearm is not needed
  bool has_descriptor;      // Descriptor() can be watched by another loop
  bool sees_hangup;         // reports kHangup without a read
  int32_t max_descriptors;  // descriptors must be below this number; 0: no such bound
  bool busy;                // never blocks: reports every descriptor as maybe ready, always
};

// A descriptor of somebody else's that ends a wait when it becomes readable: libuv's own, for the
// back ends that libuv cannot watch.
struct Companion {
  int fd;
  bool ready;  // written by WaitBeside
};

class Poller {
 public:
  virtual ~Poller() = default;

  virtual const Traits& traits() const = 0;

  // The descriptor that becomes readable when Wait has something, or -1.
  virtual int Descriptor() const = 0;

  // Starts to watch `fd` for `interest`. Returns 0 or -errno.
  virtual int Add(int fd, int32_t generation, int32_t interest) = 0;

  // Asks for the next event of `interest` on a known descriptor. Returns 0 or -errno.
  virtual int Rearm(int fd, int32_t generation, int32_t interest) = 0;

  // Stops watching. Returns 0 or -errno.
  virtual int Remove(int fd) = 0;

  // Told in front of close(2): forgets `fd` unless the system does so by itself.
  virtual void Closing(int fd) = 0;

  // Waits at most `timeout_ms` (-1: for ever) and fills `events`. Returns their number or -errno.
  int Wait(Event* events, int capacity, int timeout_ms) {
    return WaitBeside(events, capacity, timeout_ms, nullptr);
  }

  // The same; returns also when `companion` (null: nobody) is readable. Only the back ends without
  // a descriptor take one; those that are busy never look at it.
  virtual int WaitBeside(Event* events, int capacity, int timeout_ms, Companion* companion) = 0;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_POLLER_H_
