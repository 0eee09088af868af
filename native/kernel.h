// One server's share of the operating system: a poller, the table of its descriptors, and the
// memory it shares with JavaScript. It must not know how it is called; the Node-API edge is
// addon.cc.
#ifndef EPOLL_SERVER_NATIVE_KERNEL_H_
#define EPOLL_SERVER_NATIVE_KERNEL_H_

#include <cstdint>
#include <memory>
#include <string>

#include "connections.h"
#include "poller.h"

namespace epoll_server {

// The words shared with JavaScript as one Float64Array; the same indices in src/kernel/kernel.ts.
enum ControlWord {
  kNowMs = 0,       // written by Wait: monotonic milliseconds
  kDueAtMs = 1,     // written by JavaScript: when it must be entered without events (or Infinity)
  kUnfinished = 2,  // written by JavaScript: not 0 when it has work that must not wait
  kAwaited = 3,     // written by WaitAhead: events for whoever is entered next, or kNotAwaited
  kWaits = 4,       // counters, written here: poller waits
  kReceives = 5,    // recv(2) calls
  kSends = 6,       // send(2), sendmsg(2) and sendfile(2) calls
  kAccepts = 7,     // accept4(2) calls
  kRegistrations = 8,  // poller Add, Rearm and Remove calls
  kBytesReceived = 9,
  kBytesSent = 10,
  kEntries = 11,  // entries into JavaScript by the loop bridge
  kControlWords = 12,
};

// What JavaScript adds to a descriptor's interest: Wait receives once for it when it is readable.
constexpr int32_t kAhead = 16;

// Each event of a Wait has this many bytes of SharedMemory::ahead; the same in
// src/kernel/kernel.ts.
constexpr uint32_t kSlotBytes = 4096;

// In SharedMemory::received: nothing was received for the event.
constexpr int32_t kNotReceived = INT32_MIN;

// In kAwaited: nobody has waited, or somebody took what was reported.
constexpr double kNotAwaited = -1;

// One answer that JavaScript asked to be sent: a piece of the output arena, and `count` bytes of an
// open file behind it. `result`: what sending the piece returned; `taken`: bytes of the file that
// were sent; `status`: 0, or why they are fewer, as -errno.
struct Order {
  int32_t fd;
  uint32_t offset;
  uint32_t length;
  int32_t result;
  uint32_t count;
  int32_t file;
  uint32_t position_low;
  int32_t position_high;
  uint32_t taken;
  int32_t status;
};
static_assert(sizeof(Order) == 10 * sizeof(int32_t), "JavaScript writes ten words an order");

// What the next Wait of 0 ms may do while nothing else is to be done on this thread: wait for
// longer, and beside somebody else's descriptor. Host mode of loop_bridge.cc sets it before each
// entry.
struct Hosting {
  bool active = false;
  int timeout_ms = 0;
  Companion libuv = {-1, false};
  void (*woke)(void* context) = nullptr;  // called after a wait that may have blocked
  void* context = nullptr;
};

// The memory shared with JavaScript. JavaScript owns it; it outlives the Kernel's last call.
struct SharedMemory {
  Event* events;
  int32_t event_capacity;
  uint8_t* input;
  uint32_t input_size;
  uint8_t* output;
  uint32_t output_size;
  int32_t* received;  // for each event: the count, -errno, or kNotReceived
  uint8_t* ahead;     // where it was received: a slot for each event
  Order* orders;
  uint32_t order_capacity;
  double* control;
};

class Kernel {
 public:
  Kernel(std::unique_ptr<Poller> poller, const SharedMemory& memory);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // Closes the poller and every descriptor of the table. Every later call returns -EBADF.
  void Shutdown();

  const Poller* poller() const { return poller_.get(); }
  double* control() { return memory_.control; }
  Hosting& hosting() { return hosting_; }

  int Wait(int timeout_ms);
  // Wait(0) for whoever is entered next: nobody is entered for nothing, and who is need not cross
  // over to ask. Returns the same; what failed is left to them.
  int WaitAhead();
  int Add(int fd, int32_t interest);
  int Rearm(int fd, int32_t interest);
  int Remove(int fd);
  int Listen(const std::string& host, int port, int backlog, bool shared = false);
  int Accept(int listener);
  int AcceptBlocking(int listener);
  // Enters a socket that another process or thread opened. Returns it or -errno.
  int Adopt(int fd);
  // Duplicates a socket that another thread owns and enters the copy: two threads that share a
  // number could not tell which of them may close it. Returns the copy or -errno.
  int AdoptCopy(int fd);
  // Makes a descriptor non-blocking that AcceptBlocking returned. Returns 0 or -errno.
  int Unblock(int fd);
  int Recv(int fd, uint32_t offset, uint32_t length);
  int ReceiveAhead(int fd, int32_t on);
  int Send(int fd, uint32_t offset, uint32_t length);
  int SendAll(int count);
  int SendFrom(int fd, const uint8_t* bytes, size_t length);
  int Sendv(int fd, uint32_t offset, uint32_t length, const uint8_t* bytes, size_t size);
  int ShutdownWrite(int fd);
  int Unacknowledged(int fd);
  int Reset(int fd);
  int Close(int fd);
  Address Peer(int fd);
  Address Local(int fd);
  const Connection* Find(int fd) { return connections_.Find(fd); }

 private:
  int WaitAsHost();
  void ReceiveForEvents(int count);
  int AcceptAs(int listener, bool blocking);
  int CountReceived(int fd, Connection* connection, int result, uint32_t length);
  int SendPiece(int fd, uint32_t offset, uint32_t length, bool more);
  void SendFileOf(Order* order);
  int CountSent(int fd, Connection* connection, int result, size_t length);
  void RearmUnless(bool finished, int fd, const Connection& connection, int32_t interest);

  std::unique_ptr<Poller> poller_;
  const bool needs_rearm_;
  SharedMemory memory_;
  Connections connections_;
  Hosting hosting_;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_KERNEL_H_
