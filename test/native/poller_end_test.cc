// Tests how every back end reports the end of a connection, and that it does not spin afterwards.
#include <sys/socket.h>

#include "back_ends.h"
#include "harness.h"
#include "loopback.h"
#include "poller.h"

namespace epoll_server {

using test::MakeBackEnd;
using test::Pair;
using test::ReadinessOf;
using test::Reports;

namespace {

constexpr int kBoth = kReadable | kWritable;

// The readiness with which a back end reports the end: HANGUP with both directions, or only
// readable.
int AsSeen(const Poller& poller, int bits) {
  return poller.traits().sees_hangup ? bits | kReadable | kWritable : static_cast<int>(kReadable);
}

}  // namespace

TEST_EACH_BACK_END(PollerHangupIsReadableAndWritable) {
  Pair pair;
  const auto poller = MakeBackEnd(back_end);
  poller->Add(pair.server, 1, kReadable);
  test::WriteText(pair.client, "last words");
  pair.CloseClient();
  CHECK(Reports(poller.get(), pair.server, AsSeen(*poller, kHangup)));
}

TEST_EACH_BACK_END(PollerSeesAHalfClose) {
  const Pair pair;
  const auto poller = MakeBackEnd(back_end);
  poller->Add(pair.server, 1, kBoth);
  ReadinessOf(poller.get(), pair.server);
  shutdown(pair.client, SHUT_WR);
  CHECK(Reports(poller.get(), pair.server, AsSeen(*poller, kHangup)));
}

TEST_EACH_BACK_END(PollerFailureIsReadableAndWritable) {
  Pair pair;
  const auto poller = MakeBackEnd(back_end);
  poller->Add(pair.server, 1, kReadable);
  const linger now = {1, 0};
  setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  pair.CloseClient();
  CHECK(Reports(poller.get(), pair.server, AsSeen(*poller, kFailed | kHangup)));
}

TEST_EACH_BACK_END(PollerDoesNotSpinAfterAHangup) {
  Pair pair;
  const auto poller = MakeBackEnd(back_end);
  if (poller->traits().busy) return;
  poller->Add(pair.server, 1, kBoth);
  const linger now = {1, 0};
  setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  pair.CloseClient();
  CHECK(Reports(poller.get(), pair.server, AsSeen(*poller, kFailed)));
  // Without a Rearm the end is not reported again.
  for (int i = 0; i < 3; ++i) ReadinessOf(poller.get(), pair.server);
  CHECK_EQ(ReadinessOf(poller.get(), pair.server, 20), 0);
}

}  // namespace epoll_server
