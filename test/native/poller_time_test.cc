// Tests the time-outs of a poller: they never end early, and after a signal only the rest is
// waited.
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "back_ends.h"
#include "harness.h"
#include "loopback.h"
#include "poller.h"
#include "pollers.h"

namespace epoll_server {

using test::MakeBackEnd;
using test::Pair;

namespace {

int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

std::atomic<int> signals_taken{0};

void TakeSignal(int) { signals_taken.fetch_add(1); }

// Sends SIGALRM after `first_ms`, and then every `interval_ms`; it interrupts a wait.
void StartSignals(int first_ms, int interval_ms) {
  struct sigaction action = {};
  action.sa_handler = TakeSignal;
  sigaction(SIGALRM, &action, nullptr);
  signals_taken = 0;
  const itimerval timer = {{0, interval_ms * 1000}, {0, first_ms * 1000}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

void StopSignals() {
  const itimerval never = {};
  setitimer(ITIMER_REAL, &never, nullptr);
  signal(SIGALRM, SIG_DFL);
}

// A thread that blocks signals, so that the waiting one receives them.
template <typename Function>
std::thread ThreadWithoutSignals(Function function) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  std::thread thread(function);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

TEST_EACH_BACK_END(PollerWaitNeverEndsEarly) {
  const auto poller = MakeBackEnd(back_end);
  Event event = {};
  for (const int timeout_ms : {1, 7, 30}) {
    const int64_t begin = NowMs();
    CHECK_EQ(poller->Wait(&event, 1, timeout_ms), 0);
    CHECK(NowMs() - begin >= timeout_ms);
  }
}

TEST_EACH_BACK_END(PollerWaitGoesOnAfterSignals) {
  const auto poller = MakeBackEnd(back_end);
  Event event = {};
  StartSignals(5, 5);
  const int64_t begin = NowMs();
  CHECK_EQ(poller->Wait(&event, 1, 100), 0);
  CHECK(NowMs() - begin >= 100);
  CHECK(signals_taken.load() >= 2);
  CHECK_EQ(poller->Wait(&event, 1, 0), 0);
  StopSignals();
}

TEST_EACH_BACK_END(PollerWaitsForEverThroughSignals) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  if (poller->traits().busy) return;
  poller->Add(pair.server, 1, kReadable);
  StartSignals(5, 5);
  std::thread writer = ThreadWithoutSignals([&pair] {
    while (signals_taken.load() < 4) usleep(1000);
    test::WriteText(pair.client, "x");
  });
  Event event = {};
  CHECK_EQ(poller->Wait(&event, 1, -1), 1);
  CHECK(signals_taken.load() >= 4);
  writer.join();
  StopSignals();
}

// One signal near the end: the wait ends at its time-out, not a whole time-out later. Bytes written
// long after that must not be reported.
TEST_EACH_BACK_END(PollerRetriesOnlyForWhatRemains) {
  constexpr int kTimeoutMs = 400;
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  if (poller->traits().busy) return;
  poller->Add(pair.server, 1, kReadable);
  std::thread late_writer = ThreadWithoutSignals([&pair] {
    usleep(700 * 1000);
    test::WriteText(pair.client, "late");
  });
  StartSignals(350, 0);
  Event event = {};
  CHECK_EQ(poller->Wait(&event, 1, kTimeoutMs), 0);
  CHECK_EQ(signals_taken.load(), 1);
  late_writer.join();
  StopSignals();
}

}  // namespace epoll_server
