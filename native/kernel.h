// One server's system calls: its poller, its table of open descriptors, and the memory that it
// shares with JavaScript.
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

// A bit that JavaScript adds to a descriptor's interest. When the descriptor is readable, Wait
// calls recv(2) once for it.
constexpr int32_t kPrefetch = 16;

// The size of one prefetch slot; the same in src/kernel/kernel.ts.
constexpr uint32_t kPrefetchBytes = 4096;

// The value of kPrewaited when no wait was made for the next entry, or when its events were read
// already.
constexpr double kNotPrewaited = -1;

// One response for SendBatch: a piece of the output arena, then `file_count` bytes of an open file.
// SendBatch writes `result`, what sending the piece returned, and `file_sent`, the file bytes sent.
// `file_status` is 0, or -errno when fewer file bytes were sent.
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

// Lets the next Wait of 0 ms block for longer and watch libuv's descriptor too. Host mode of
// loop_bridge.cc sets it before each entry, when the thread has no other work.
struct Hosting {
  bool active = false;
  int timeout_ms = 0;
  Companion libuv = {-1, false};
  void (*on_wake)(void* context) = nullptr;  // called after a wait that may have blocked
  void* context = nullptr;
};

// The memory shared with JavaScript. JavaScript allocates it as one block (KernelMemory of
// src/kernel/kernel.ts) and keeps it until the Kernel's last call. The input arena begins with the
// receive area, which Recv fills. One prefetch slot for each event follows, which Wait fills.
// `heads` has the heads that were found in each (head_scan.h): a slot for each event, then one for
// Recv.
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
  int32_t* heads;
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
  // Waits 0 ms before the next entry into JavaScript. The entry is skipped when no event is ready,
  // and otherwise needs no call back into C++ to wait. Returns what Wait returns; the entry repeats
  // a wait that failed.
  int Prewait();
  int Add(int fd, int32_t interest);
  int Rearm(int fd, int32_t interest);
  int Remove(int fd);
  int Listen(const std::string& host, int port, int backlog, bool shared = false);
  // Begins to connect to a numeric address. Returns the descriptor or -errno. Until the result is
  // there, calls that receive or send return -EAGAIN; then WRITABLE or FAILED is reported.
  int Connect(const std::string& host, int port);
  // The same for a Unix domain socket, which is connected at once.
  int ConnectUnix(const std::string& path);
  int Accept(int listener);
  int AcceptBlocking(int listener);
  // Adds a socket that another process or thread opened to the table. Returns it or -errno.
  int Adopt(int fd);
  // Duplicates a socket that another thread owns and adds the copy to the table. Two threads that
  // shared one descriptor could not decide which of them closes it. Returns the copy or -errno.
  int AdoptCopy(int fd);
  // Makes a descriptor from AcceptBlocking non-blocking. Returns 0 or -errno.
  int Unblock(int fd);
  // Puts a transport of that kind between the socket of `fd` and every call below. Returns 0 or
  // -errno (-EEXIST: the descriptor has a transport already).
  int Attach(int fd, TransportKind* kind, Bytes received = {nullptr, 0});
  // Returns 1 when the handshake of `fd` is over; 0: it has no TLS, or not yet.
  int IsNegotiated(int fd);
  // Only after IsNegotiated has returned 1.
  NegotiatedTls Negotiated(int fd);
  // Whether a transport holds input that the next Wait reports. No call may block before that Wait.
  bool holds_input() const { return !held_.empty() || !deferred_.empty(); }
  int Recv(int fd, uint32_t offset, uint32_t length);
  // Turns prefetch on or off. With it, Wait receives once, at most kPrefetchBytes, for each
  // readable event of `fd` that is not failed. Returns 0 or -errno.
  int Prefetch(int fd, int32_t on);
  // Sends a piece of the output arena and `bytes` behind it, in one call; either may be empty.
  // Returns the bytes accepted of both together, or -errno (-EINVAL: beyond the arena, nothing
  // sent).
  int Send(int fd, uint32_t offset, uint32_t length, const uint8_t* bytes, size_t size);
  // Executes the first `count` send ops and writes the result of each. Returns 0 or -errno
  // (-EINVAL: `count` exceeds the capacity, nothing sent).
  int SendBatch(int count);
  // Returns 0, 1 when the end of a transport waits for room in the socket (WRITABLE follows), or
  // -errno.
  int ShutdownWrite(int fd);
  // Returns the wire bytes that the socket has accepted so far, or -errno.
  double WireSent(int fd);

  // Returns the wire bytes that the peer has acknowledged so far, or -errno. Where the system does
  // not count them, returns all bytes sent.
  double Acknowledged(int fd);
  int Reset(int fd);
  int Close(int fd);
  Address Peer(int fd);
  Address Local(int fd);
  const Connection* Find(int fd) { return connections_.Find(fd); }

 private:
  // A descriptor whose transport holds input, with its generation.
  struct Held {
    int32_t fd;
    int32_t generation;
  };

  int WaitAsHost(int32_t capacity);
  void PrefetchForEvents(int begin, int end);
  int AcceptAs(int listener, bool blocking);
  int ReceiveFrom(int fd, Connection* connection, uint8_t* bytes, uint32_t length);
  void ScanReceived(int slot, uint32_t offset, int count);
  int CountReceived(int fd, Connection* connection, int result, uint32_t length);
  int SendPiece(int fd, uint32_t offset, uint32_t length, bool more);
  void SendFileOf(SendOp* op);
  int CountSent(int fd, Connection* connection, int result, size_t length);
  int WhileConnecting(Connection* connection, int result);
  void RearmUnless(bool finished, int fd, const Connection& connection, int32_t interest);
  void CloseTransport(Connection* connection);

  // kernel_transport.cc
  int ReceiveOver(int fd, Connection* connection, uint8_t* bytes, size_t length);
  int SendOver(int fd, Connection* connection, Bytes first, Bytes second, bool more);
  int SendFileOver(int fd, Connection* connection, int file, int64_t position, size_t length);
  int ReportTransports(int count);
  int AddHeld(std::vector<Held>* held, int limit, int count);
  void HoldIfReadable(int fd, Connection* connection);
  void EnsureEvent(int fd, Connection* connection);

  std::unique_ptr<Poller> poller_;
  const bool needs_rearm_;
  SharedMemory memory_;
  Connections connections_;
  Hosting hosting_;
  int transports_ = 0;          // connections that have a transport
  std::vector<Held> held_;      // reported by the next Wait
  std::vector<Held> deferred_;  // steps of handshakes; each Wait reports the oldest
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_KERNEL_H_
