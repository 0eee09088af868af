// One server's share of the operating system: a poller, the table of its descriptors, and the
// memory it shares with JavaScript. It must not know how it is called; the Node-API edge is
// addon.cc.
#ifndef EPOLL_SERVER_NATIVE_KERNEL_H_
#define EPOLL_SERVER_NATIVE_KERNEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connections.h"
#include "poller.h"
#include "transport.h"

namespace epoll_server {

// The words shared with JavaScript as one Float64Array; the same indices in src/kernel/kernel.ts.
enum ControlWord {
  kNowMs = 0,       // written by Wait: monotonic milliseconds
  kDueAtMs = 1,     // written by JavaScript: when it must be entered without events (or Infinity)
  kUnfinished = 2,  // written by JavaScript: not 0 when it has work that must not wait
  kPrewaited = 3,   // written by Prewait: the events for the next entry, or kNotPrewaited
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
constexpr int32_t kPrefetch = 16;

// The size of one prefetch slot; the same in src/kernel/kernel.ts.
constexpr uint32_t kPrefetchBytes = 4096;

// In kPrewaited: no wait was made for the next entry, or its events were taken.
constexpr double kNotPrewaited = -1;

// One answer for SendBatch: a piece of the output arena, and `file_count` bytes of an open file
// behind it. SendBatch writes `result`, what sending the piece returned; `file_sent`, the bytes of
// the file that were sent; `file_status`, 0, or why they are fewer, as -errno.
struct SendOp {
  int32_t fd;
  uint32_t offset;
  uint32_t length;
  int32_t result;
  uint32_t file_count;
  int32_t file;
  uint32_t position_low;
  int32_t position_high;
  uint32_t file_sent;
  int32_t file_status;
};
static_assert(sizeof(SendOp) == 10 * sizeof(int32_t), "JavaScript writes ten words of a send");

// What the next Wait of 0 ms may do while nothing else is to be done on this thread: wait for
// longer, and watch libuv's descriptor too. Host mode of loop_bridge.cc sets it before each entry.
struct Hosting {
  bool active = false;
  int timeout_ms = 0;
  Companion libuv = {-1, false};
  void (*woke)(void* context) = nullptr;  // called after a wait that may have blocked
  void* context = nullptr;
};

// The memory shared with JavaScript, which allocates it as one block (KernelMemory of
// src/kernel/kernel.ts) and keeps it until the Kernel's last call. The input arena begins with the
// receive area, which Recv fills. Behind it lies a prefetch slot for each event, which Wait fills.
struct SharedMemory {
  double* control;
  Event* events;
  int32_t event_capacity;
  SendOp* send_ops;
  uint32_t send_op_capacity;
  uint8_t* output;
  uint32_t output_size;
  uint8_t* input;
  uint32_t receive_size;
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
  // Wait(0) for the next entry into JavaScript, which need not happen when no event is ready, and
  // need not cross over to wait. Returns the same; a wait that failed is repeated by that entry.
  int Prewait();
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
  // Puts a transport of that kind between the socket of `fd` and every call below. Returns 0 or
  // -errno (-EEXIST: it has one).
  int Attach(int fd, TransportKind* kind);
  // Whether the next Wait reports what a transport holds: nothing may block before it.
  bool holds_input() const { return !held_.empty(); }
  int Recv(int fd, uint32_t offset, uint32_t length);
  // Whether Wait receives once, at most kPrefetchBytes, for each readable event of `fd` that is not
  // failed. Returns 0 or -errno.
  int Prefetch(int fd, int32_t on);
  // Sends a piece of the output arena and `bytes` behind it, in one call; either may be empty.
  // Returns the bytes taken of both together, or -errno (-EINVAL: beyond the arena, nothing sent).
  int Send(int fd, uint32_t offset, uint32_t length, const uint8_t* bytes, size_t size);
  // Carries out the first `count` send ops, each with a result of its own. Returns 0 or -errno
  // (-EINVAL: more than there are, nothing sent).
  int SendBatch(int count);
  int ShutdownWrite(int fd);
  // Bytes of the wire that the peer has acknowledged so far; all that were sent where the system
  // cannot tell. Returns them or -errno.
  double Acknowledged(int fd);
  int Reset(int fd);
  int Close(int fd);
  Address Peer(int fd);
  Address Local(int fd);
  const Connection* Find(int fd) { return connections_.Find(fd); }

 private:
  // One life of a descriptor whose transport holds input.
  struct Held {
    int32_t fd;
    int32_t generation;
  };

  int WaitAsHost(int32_t capacity);
  void PrefetchForEvents(int count);
  int AcceptAs(int listener, bool blocking);
  int ReceiveFrom(int fd, Connection* connection, uint8_t* bytes, uint32_t length);
  int CountReceived(int fd, Connection* connection, int result, uint32_t length);
  int SendPiece(int fd, uint32_t offset, uint32_t length, bool more);
  void SendFileOf(SendOp* op);
  int CountSent(int fd, Connection* connection, int result, size_t length);
  void RearmUnless(bool finished, int fd, const Connection& connection, int32_t interest);
  void CloseTransport(Connection* connection);

  // kernel_transport.cc
  int ReceiveOver(int fd, Connection* connection, uint8_t* bytes, size_t length);
  int SendOver(int fd, Connection* connection, Bytes first, Bytes second, bool more);
  int SendFileOver(int fd, Connection* connection, int file, int64_t position, size_t length);
  int ReportTransports(int count);
  int AddHeld(int count);
  void HoldIfReadable(int fd, Connection* connection);
  void FollowUp(int fd, Connection* connection);

  std::unique_ptr<Poller> poller_;
  const bool needs_rearm_;
  SharedMemory memory_;
  Connections connections_;
  Hosting hosting_;
  int transports_ = 0;      // how many connections have one
  std::vector<Held> held_;  // reported by the next Wait
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_KERNEL_H_
