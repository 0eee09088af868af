// A kernel with clients, whose memory has exactly the size that it is given: AddressSanitizer
// detects an access beyond it.
#ifndef EPOLL_SERVER_TEST_NATIVE_KERNEL_BENCH_H_
#define EPOLL_SERVER_TEST_NATIVE_KERNEL_BENCH_H_

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "back_ends.h"
#include "harness.h"
#include "head_scan.h"
#include "kernel.h"
#include "loopback.h"

namespace epoll_server::test {

inline constexpr int kBoth = kReadable | kWritable;
inline constexpr uint32_t kReceiveBytes = 64;
inline constexpr uint32_t kOutputBytes = 32;
inline constexpr int32_t kEvents = 4;
inline constexpr uint32_t kSendOps = 4;
inline constexpr uint32_t kHuge = std::numeric_limits<uint32_t>::max();

struct Bench {
  explicit Bench(const std::string& back_end = "epoll", int32_t capacity = kEvents)
      : event_capacity(capacity), poller(MakeBackEnd(back_end)) {}

  int32_t event_capacity;
  std::unique_ptr<Poller> poller;
  std::vector<double> control = std::vector<double>(kControlWords);
  std::vector<Event> events = std::vector<Event>(static_cast<size_t>(event_capacity));
  std::vector<SendOp> send_ops = std::vector<SendOp>(kSendOps);
  std::vector<uint8_t> output = std::vector<uint8_t>(kOutputBytes);
  std::vector<uint8_t> input = std::vector<uint8_t>(kReceiveBytes + events.size() * kPrefetchBytes);
  std::vector<int32_t> heads = std::vector<int32_t>((events.size() + 1) * kHeadSlotWords);
  Kernel kernel{std::move(poller),
                {control.data(), events.data(), event_capacity, send_ops.data(), kSendOps,
                 output.data(), kOutputBytes, input.data(), kReceiveBytes, heads.data()}};
  int listener = kernel.Listen("127.0.0.1", 0, 16);

  double Count(ControlWord word) const { return control[word]; }

  // The prefetched bytes of the event of that index.
  std::string Prefetched(size_t index) const {
    const auto slot = input.begin() + kReceiveBytes + static_cast<int>(index * kPrefetchBytes);
    return std::string(slot, slot + events[index].prefetched);
  }
};

// One client of a bench's listener.
struct Client {
  explicit Client(Bench* bench)
      : there(ConnectTo("127.0.0.1", bench->kernel.Local(bench->listener).port)) {
    CHECK(there >= 0);
    CHECK(BecomesReadable(bench->listener));
    here = bench->kernel.Accept(bench->listener);
    CHECK(here >= 0);
  }
  ~Client() { Close(there); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  int there;
  int here = -1;
};

}  // namespace epoll_server::test

#endif  // EPOLL_SERVER_TEST_NATIVE_KERNEL_BENCH_H_
