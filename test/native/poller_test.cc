// Tests the contract of poller.h, sentence by sentence, for every back end.
#include "poller.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <cerrno>
#include <climits>
#include <string>

#include "back_ends.h"
#include "harness.h"
#include "loopback.h"
#include "pollers.h"

namespace epoll_server {

bool KqueueNests();

using test::MakeBackEnd;
using test::Pair;
using test::ReadinessOf;
using test::Reports;

namespace {

constexpr int kBoth = kReadable | kWritable;
constexpr int kEnough = 16;  // room for more events than any test here makes

}  // namespace

TEST(PollersNamesTheBackEndsOfThisBuild) {
  CHECK(!PollerNames().empty());
  CHECK_EQ(PollerNames().front(), std::string("epoll"));
  for (const std::string& name : PollerNames()) {
    int error = 0;
    const std::unique_ptr<Poller> poller = MakePoller(name, &error);
    CHECK(poller != nullptr);
    CHECK_EQ(std::string(poller->traits().name), name);
  }
}

TEST(PollerKqueueDetectsWhetherItNests) { CHECK(KqueueNests()); }

TEST(PollersRefusesUnknownNames) {
  for (const char* name : {"", "kqueue2", "EPOLL", "epoll "}) {
    int error = 0;
    CHECK(MakePoller(name, &error) == nullptr);
    CHECK_EQ(error, -EINVAL);
  }
}

TEST_EACH_BACK_END(PollerHasItsTraits) {
  const auto poller = MakeBackEnd(back_end);
  const Traits& traits = poller->traits();
  CHECK_EQ(std::string(traits.name), back_end);
  CHECK_EQ(poller->Descriptor() >= 0, traits.has_descriptor);
  CHECK_EQ(traits.edge_triggered, back_end == "epoll" || back_end == "kqueue");
  CHECK_EQ(traits.has_descriptor, traits.edge_triggered);
  CHECK_EQ(traits.sees_hangup, back_end != "select" && back_end != "scan");
  CHECK_EQ(traits.max_descriptors, back_end == "select" ? FD_SETSIZE : 0);
  CHECK_EQ(traits.busy, back_end == "scan");
}

TEST_EACH_BACK_END(PollerWithNothingToWatchTimesOut) {
  const auto poller = MakeBackEnd(back_end);
  Event events[1];
  CHECK_EQ(poller->Wait(events, 1, 0), 0);
  CHECK_EQ(poller->Wait(events, 1, 1), 0);
}

TEST_EACH_BACK_END(PollerReportsAChangeOnce) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  CHECK_EQ(poller->Add(pair.server, 1, kBoth), 0);
  if (poller->traits().busy) return;
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), static_cast<int>(kWritable));
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
  test::WriteText(pair.client, "one");
  CHECK(Reports(poller.get(), pair.server, kReadable));
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);  // although nothing was read
  if (!poller->traits().edge_triggered) CHECK_EQ(poller->Rearm(pair.server, 1, kReadable), 0);
  test::WriteText(pair.client, "two");
  CHECK(Reports(poller.get(), pair.server, kReadable));
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
}

TEST_EACH_BACK_END(PollerReportsWritableWhenTheClientMadeRoom) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  CHECK_EQ(poller->Add(pair.server, 1, kBoth), 0);
  const std::string much(1 << 20, 'x');
  size_t sent = 0;
  int count = 0;
  while ((count = Send(pair.server, test::BytesOf(much), much.size())) > 0) {
    sent += static_cast<size_t>(count);
  }
  CHECK_EQ(count, -EAGAIN);
  ReadinessOf(poller.get(), pair.server);
  if (!poller->traits().edge_triggered) CHECK_EQ(poller->Rearm(pair.server, 1, kWritable), 0);
  if (!poller->traits().busy) CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
  CHECK_EQ(test::ReadText(pair.client, sent).size(), sent);
  CHECK(Reports(poller.get(), pair.server, kWritable));
}

TEST_EACH_BACK_END(PollerReportsOnlyTheInterest) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  CHECK_EQ(poller->Add(pair.server, 1, kReadable), 0);
  CHECK_EQ(ReadinessOf(poller.get(), pair.server) & kWritable, 0);
  test::WriteText(pair.client, "x");
  CHECK(Reports(poller.get(), pair.server, kReadable));
}

TEST_EACH_BACK_END(PollerRearmReportsOnceMore) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  poller->Add(pair.server, 1, kReadable);
  test::WriteText(pair.client, "x");
  CHECK(Reports(poller.get(), pair.server, kReadable));
  CHECK_EQ(poller->Rearm(pair.server, 1, kReadable), 0);
  CHECK(Reports(poller.get(), pair.server, kReadable));
}

TEST_EACH_BACK_END(PollerReportsTheGenerationItWasGiven) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  Event event = {};
  poller->Add(pair.server, INT_MAX, kBoth);
  CHECK_EQ(poller->Wait(&event, 1, 0), 1);
  CHECK_EQ(event.fd, pair.server);
  CHECK_EQ(event.generation, INT_MAX);
  poller->Rearm(pair.server, 7, kBoth);
  CHECK_EQ(poller->Wait(&event, 1, 0), 1);
  CHECK_EQ(event.generation, 7);
}

TEST_EACH_BACK_END(PollerRefusesASecondAddAndKeepsTheFirst) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  Event event = {};
  CHECK_EQ(poller->Add(pair.server, 1, kBoth), 0);
  CHECK_EQ(poller->Add(pair.server, 2, kReadable), -EEXIST);
  CHECK_EQ(poller->Wait(&event, 1, 0), 1);
  CHECK_EQ(event.generation, 1);
  CHECK(event.readiness & kWritable);
}

TEST_EACH_BACK_END(PollerRearmAndRemoveOfAnUnknownDescriptorFail) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  CHECK_EQ(poller->Rearm(pair.server, 1, kBoth), -ENOENT);
  CHECK_EQ(poller->Remove(pair.server), -ENOENT);
  CHECK_EQ(poller->Add(-1, 1, kBoth), -EBADF);
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
}

TEST_EACH_BACK_END(PollerReportsNothingAfterRemove) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  poller->Add(pair.server, 1, kBoth);
  CHECK_EQ(poller->Remove(pair.server), 0);
  CHECK_EQ(poller->Remove(pair.server), -ENOENT);
  test::WriteText(pair.client, "x");
  CHECK(test::BecomesReadable(pair.server));
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
  CHECK_EQ(poller->Add(pair.server, 2, kBoth), 0);
  CHECK(Reports(poller.get(), pair.server, kReadable));
}

TEST_EACH_BACK_END(PollerReportsNothingAfterClose) {
  Pair pair;
  const auto poller = MakeBackEnd(back_end);
  poller->Add(pair.server, 1, kBoth);
  Close(pair.server);
  if (!poller->traits().busy) CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
  // A back end with its own table still has the entry, because Closing was not called.
  if (poller->traits().busy) return;
  CHECK_EQ(poller->Remove(pair.server), back_end == "epoll" ? -EBADF : 0);
}

TEST_EACH_BACK_END(PollerClosingRemovesTheDescriptor) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  CHECK_EQ(poller->Add(pair.server, 1, kBoth), 0);
  poller->Closing(pair.server);
  // epoll removes the descriptor itself, but only when it is closed.
  if (poller->traits().edge_triggered) return;
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
  CHECK_EQ(poller->Add(pair.server, 2, kBoth), 0);
}

TEST_EACH_BACK_END(PollerFillsNoMoreThanTheCapacity) {
  const Pair first;
  const Pair second;
  const Pair third;
  const auto poller = MakeBackEnd(back_end);
  for (const Pair* pair : {&first, &second, &third}) poller->Add(pair->server, 1, kBoth);
  Event events[3] = {};
  events[2].fd = -42;
  CHECK_EQ(poller->Wait(events, 2, 0), 2);
  CHECK_EQ(events[2].fd, -42);
  const int third_fd = third.server;
  const bool was_seen = events[0].fd == third_fd || events[1].fd == third_fd;
  const int rest = poller->Wait(events, 2, 0);
  // Every descriptor is reported in the end, however small the capacity.
  CHECK(was_seen || events[0].fd == third_fd || events[1].fd == third_fd);
  if (poller->traits().busy) return;
  CHECK_EQ(rest, 1);
  CHECK_EQ(poller->Wait(events, 2, 0), 0);
}

TEST_EACH_BACK_END(PollerDescriptorIsReadableWhileSomethingIsReady) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  // The stand-in's queue has no descriptor that the system would make readable.
  if (!poller->traits().has_descriptor || back_end == "kqueue") return;
  poller->Add(pair.server, 1, kBoth);
  CHECK(test::BecomesReadable(poller->Descriptor()));
}

TEST_EACH_BACK_END(PollerReturnsForItsCompanion) {
  const Pair clients;
  const Pair other;
  const auto poller = MakeBackEnd(back_end);
  if (poller->traits().has_descriptor || poller->traits().busy) return;
  poller->Add(clients.server, 1, kReadable);
  Event events[kEnough] = {};
  Companion companion = {other.server, true};
  CHECK_EQ(poller->WaitBeside(events, kEnough, 1, &companion), 0);
  CHECK(!companion.ready);
  test::WriteText(other.client, "x");
  CHECK_EQ(poller->WaitBeside(events, kEnough, -1, &companion), 0);
  CHECK(companion.ready);
  // Level-triggered: the companion's owner has not read from it yet.
  test::WriteText(clients.client, "y");
  CHECK(test::BecomesReadable(clients.server));
  CHECK_EQ(poller->WaitBeside(events, kEnough, -1, &companion), 1);
  CHECK(companion.ready);
  CHECK_EQ(events[0].fd, clients.server);
}

TEST_EACH_BACK_END(PollerRefusesDescriptorsBeyondItsMaximum) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  if (poller->traits().max_descriptors == 0) return;
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t needed = static_cast<rlim_t>(poller->traits().max_descriptors) + 1;
  if (limit.rlim_cur < needed) {
    limit.rlim_cur = needed;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  const int high = fcntl(pair.server, F_DUPFD_CLOEXEC, poller->traits().max_descriptors);
  CHECK_EQ(high, poller->traits().max_descriptors);
  CHECK_EQ(poller->Add(high, 1, kBoth), -EMFILE);
  CHECK_EQ(poller->Remove(high), -ENOENT);
  Event event = {};
  Companion companion = {high, false};
  CHECK_EQ(poller->WaitBeside(&event, 1, 0, &companion), -EMFILE);
  CHECK_EQ(poller->Wait(&event, 1, 0), 0);
  Close(high);
}

}  // namespace epoll_server
