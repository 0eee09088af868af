// The contract of poller.h, sentence by sentence, for every back end of this build.
#include "poller.h"

#include <sys/socket.h>

#include <cerrno>
#include <climits>
#include <string>

#include "harness.h"
#include "loopback.h"
#include "pollers.h"

namespace epoll_server {

using test::Pair;

namespace {

constexpr int kBoth = kReadable | kWritable;
constexpr int kEnough = 16;  // room for more events than any test here makes

std::unique_ptr<Poller> Make() {
  int error = 0;
  std::unique_ptr<Poller> poller = MakePoller("epoll", &error);
  CHECK(poller != nullptr);
  CHECK_EQ(error, 0);
  return poller;
}

// What one wait says of one descriptor; 0 when it says nothing.
int ReadinessOf(Poller* poller, int fd, int timeout_ms = 0) {
  Event events[kEnough] = {};
  const int count = poller->Wait(events, kEnough, timeout_ms);
  int readiness = 0;
  for (int i = 0; i < count; ++i) {
    if (events[i].fd == fd) readiness |= events[i].readiness;
  }
  return readiness;
}

// Waits until `fd` reports `wanted`, whatever else comes before.
bool Reports(Poller* poller, int fd, int wanted) {
  for (int tries = 0; tries < 100; ++tries) {
    if ((ReadinessOf(poller, fd, 100) & wanted) == wanted) return true;
  }
  return false;
}

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

TEST(PollersRefusesUnknownNames) {
  for (const char* name : {"", "kqueue2", "EPOLL", "epoll "}) {
    int error = 0;
    CHECK(MakePoller(name, &error) == nullptr);
    CHECK_EQ(error, -EINVAL);
  }
}

TEST(PollerSaysWhatItIs) {
  const auto poller = Make();
  CHECK(poller->traits().edge_triggered);
  CHECK(poller->traits().has_descriptor);
  CHECK(poller->traits().sees_hangup);
  CHECK_EQ(poller->traits().max_descriptors, 0);
  CHECK(poller->Descriptor() >= 0);
}

TEST(PollerWithNothingToWatchTimesOut) {
  const auto poller = Make();
  Event events[1];
  CHECK_EQ(poller->Wait(events, 1, 0), 0);
  CHECK_EQ(poller->Wait(events, 1, 1), 0);
}

TEST(PollerReportsAChangeOnce) {
  const Pair pair;
  const auto poller = Make();
  CHECK_EQ(poller->Add(pair.server, 1, kBoth), 0);
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), static_cast<int>(kWritable));
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
  test::WriteText(pair.client, "one");
  CHECK(Reports(poller.get(), pair.server, kReadable));
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);  // though nobody has read
  test::WriteText(pair.client, "two");
  CHECK(Reports(poller.get(), pair.server, kReadable));
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
}

TEST(PollerReportsWritableWhenTheClientMadeRoom) {
  const Pair pair;
  const auto poller = Make();
  CHECK_EQ(poller->Add(pair.server, 1, kBoth), 0);
  const std::string much(1 << 20, 'x');
  size_t sent = 0;
  int count = 0;
  while ((count = Send(pair.server, test::BytesOf(much), much.size())) > 0) {
    sent += static_cast<size_t>(count);
  }
  CHECK_EQ(count, -EAGAIN);
  ReadinessOf(poller.get(), pair.server);
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
  CHECK_EQ(test::ReadText(pair.client, sent).size(), sent);
  CHECK(Reports(poller.get(), pair.server, kWritable));
}

TEST(PollerReportsOnlyWhatInterests) {
  const Pair pair;
  const auto poller = Make();
  CHECK_EQ(poller->Add(pair.server, 1, kReadable), 0);
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
  test::WriteText(pair.client, "x");
  CHECK(Reports(poller.get(), pair.server, kReadable));
}

TEST(PollerRearmReportsOnceMore) {
  const Pair pair;
  const auto poller = Make();
  poller->Add(pair.server, 1, kReadable);
  test::WriteText(pair.client, "x");
  CHECK(Reports(poller.get(), pair.server, kReadable));
  CHECK_EQ(poller->Rearm(pair.server, 1, kReadable), 0);
  CHECK(Reports(poller.get(), pair.server, kReadable));
}

TEST(PollerReportsTheGenerationItWasGiven) {
  const Pair pair;
  const auto poller = Make();
  Event event = {};
  poller->Add(pair.server, INT_MAX, kBoth);
  CHECK_EQ(poller->Wait(&event, 1, 0), 1);
  CHECK_EQ(event.fd, pair.server);
  CHECK_EQ(event.generation, INT_MAX);
  poller->Rearm(pair.server, 7, kBoth);
  CHECK_EQ(poller->Wait(&event, 1, 0), 1);
  CHECK_EQ(event.generation, 7);
}

TEST(PollerHangupIsReadableAndWritable) {
  Pair pair;
  const auto poller = Make();
  poller->Add(pair.server, 1, kReadable);
  test::WriteText(pair.client, "last words");
  pair.CloseClient();
  CHECK(Reports(poller.get(), pair.server, kHangup | kReadable | kWritable));
}

TEST(PollerSeesAHalfClose) {
  const Pair pair;
  const auto poller = Make();
  poller->Add(pair.server, 1, kBoth);
  ReadinessOf(poller.get(), pair.server);
  shutdown(pair.client, SHUT_WR);
  CHECK(Reports(poller.get(), pair.server, kHangup | kReadable | kWritable));
}

TEST(PollerFailureIsReadableAndWritable) {
  Pair pair;
  const auto poller = Make();
  poller->Add(pair.server, 1, kReadable);
  const linger now = {1, 0};
  setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  pair.CloseClient();
  CHECK(Reports(poller.get(), pair.server, kFailed | kHangup | kReadable | kWritable));
}

TEST(PollerRefusesASecondAddAndKeepsTheFirst) {
  const Pair pair;
  const auto poller = Make();
  Event event = {};
  CHECK_EQ(poller->Add(pair.server, 1, kBoth), 0);
  CHECK_EQ(poller->Add(pair.server, 2, kReadable), -EEXIST);
  CHECK_EQ(poller->Wait(&event, 1, 0), 1);
  CHECK_EQ(event.generation, 1);
  CHECK_EQ(event.readiness, static_cast<int>(kWritable));
}

TEST(PollerDoesNotKnowWhatWasNotAdded) {
  const Pair pair;
  const auto poller = Make();
  CHECK_EQ(poller->Rearm(pair.server, 1, kBoth), -ENOENT);
  CHECK_EQ(poller->Remove(pair.server), -ENOENT);
  CHECK_EQ(poller->Add(-1, 1, kBoth), -EBADF);
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
}

TEST(PollerForgetsWhatIsRemoved) {
  const Pair pair;
  const auto poller = Make();
  poller->Add(pair.server, 1, kBoth);
  CHECK_EQ(poller->Remove(pair.server), 0);
  CHECK_EQ(poller->Remove(pair.server), -ENOENT);
  test::WriteText(pair.client, "x");
  CHECK(test::BecomesReadable(pair.server));
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
  CHECK_EQ(poller->Add(pair.server, 2, kBoth), 0);
  CHECK(Reports(poller.get(), pair.server, kReadable));
}

TEST(PollerForgetsWhatIsClosed) {
  Pair pair;
  const auto poller = Make();
  poller->Add(pair.server, 1, kBoth);
  Close(pair.server);
  CHECK_EQ(ReadinessOf(poller.get(), pair.server), 0);
  CHECK_EQ(poller->Remove(pair.server), -EBADF);
}

TEST(PollerFillsNoMoreThanTheCapacity) {
  const Pair first;
  const Pair second;
  const Pair third;
  const auto poller = Make();
  for (const Pair* pair : {&first, &second, &third}) poller->Add(pair->server, 1, kBoth);
  Event events[3] = {};
  events[2].fd = -42;
  CHECK_EQ(poller->Wait(events, 2, 0), 2);
  CHECK_EQ(events[2].fd, -42);
  CHECK_EQ(poller->Wait(events, 2, 0), 1);
  CHECK_EQ(poller->Wait(events, 2, 0), 0);
}

TEST(PollerDescriptorIsReadableWhileSomethingIsReady) {
  const Pair pair;
  const auto poller = Make();
  poller->Add(pair.server, 1, kBoth);
  CHECK(test::BecomesReadable(poller->Descriptor()));
}

}  // namespace epoll_server
