// A kernel with memory of exactly the size that it is told, and clients of it: AddressSanitizer
// sees a byte too many.
#ifndef EPOLL_SERVER_TEST_NATIVE_KERNEL_BENCH_H_
#define EPOLL_SERVER_TEST_NATIVE_KERNEL_BENCH_H_

#include <limits>
#include <memory>
#include <vector>

#include "harness.h"
#include "kernel.h"
#include "loopback.h"
#include "pollers.h"

namespace epoll_server::test {

inline constexpr int kBoth = kReadable | kWritable;
inline constexpr uint32_t kInputBytes = 64;
inline constexpr uint32_t kOutputBytes = 32;
inline constexpr int32_t kEvents = 4;
inline constexpr uint32_t kOrders = 4;
inline constexpr uint32_t kHuge = std::numeric_limits<uint32_t>::max();

inline std::unique_ptr<Poller> MakeEpoll() {
  int error = 0;
  return MakePoller("epoll", &error);
}

struct Bench {
  std::vector<Event> events = std::vector<Event>(kEvents);
  std::vector<uint8_t> input = std::vector<uint8_t>(kInputBytes);
  std::vector<uint8_t> output = std::vector<uint8_t>(kOutputBytes);
  std::vector<int32_t> received = std::vector<int32_t>(kEvents);
  std::vector<uint8_t> ahead = std::vector<uint8_t>(kEvents * kSlotBytes);
  std::vector<Order> orders = std::vector<Order>(kOrders);
  std::vector<double> control = std::vector<double>(kControlWords);
  Kernel kernel{MakeEpoll(),
                {events.data(), kEvents, input.data(), kInputBytes, output.data(), kOutputBytes,
                 received.data(), ahead.data(), orders.data(), kOrders, control.data()}};
  int listener = kernel.Listen("127.0.0.1", 0, 16);

  double Count(ControlWord word) const { return control[word]; }
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
