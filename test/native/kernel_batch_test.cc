// What the kernel does for a whole batch in one call: receiving for the events of a wait, and
// orders.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "harness.h"
#include "kernel_bench.h"
#include "loopback.h"

namespace epoll_server {

using test::Bench;
using test::Client;
using test::kBoth;
using test::kHuge;
using test::kOrders;
using test::kOutputBytes;

TEST(KernelWaitReceivesForWhoAskedForIt) {
  Bench bench;
  const Client client(&bench);
  CHECK(bench.kernel.Add(client.here, kBoth | kAhead) > 0);
  test::WriteText(client.there, "question");
  CHECK(test::BecomesReadable(client.here));
  CHECK_EQ(bench.kernel.Wait(0), 1);
  CHECK_EQ(bench.received[0], 8);
  CHECK(std::memcmp(bench.ahead.data(), "question", 8) == 0);
  CHECK_EQ(bench.Count(kReceives), 1.0);
  CHECK_EQ(bench.Count(kBytesReceived), 8.0);
  CHECK_EQ(bench.kernel.Find(client.here)->bytes_received, 8u);
}

TEST(KernelWaitReceivesForNobodyElse) {
  Bench bench;
  const Client plain(&bench);
  const Client off(&bench);
  CHECK(bench.kernel.Add(plain.here, kBoth) > 0);
  CHECK(bench.kernel.Add(off.here, kBoth | kAhead) > 0);
  CHECK_EQ(bench.kernel.ReceiveAhead(off.here, 0), 0);
  for (const Client* client : {&plain, &off}) {
    test::WriteText(client->there, "x");
    CHECK(test::BecomesReadable(client->here));
  }
  CHECK_EQ(bench.kernel.Wait(0), 2);
  CHECK_EQ(bench.received[0], kNotReceived);
  CHECK_EQ(bench.received[1], kNotReceived);
  CHECK_EQ(bench.kernel.Recv(plain.here, 0, 4), 1);
  CHECK_EQ(bench.kernel.ReceiveAhead(off.here, 1), 0);
  test::WriteText(off.there, "y");
  CHECK(test::BecomesReadable(off.here));
  CHECK_EQ(bench.kernel.Wait(0), 1);
  CHECK_EQ(bench.received[0], 2);
  CHECK_EQ(bench.kernel.ReceiveAhead(-1, 1), -EBADF);
}

TEST(KernelWaitReceivesAtMostASlotEach) {
  Bench bench;
  const Client first(&bench);
  const Client second(&bench);
  const std::string text(kSlotBytes + 10, 'a');
  for (const Client* client : {&first, &second}) {
    CHECK(bench.kernel.Add(client->here, kBoth | kAhead) > 0);
    test::WriteText(client->there, text.c_str());
    CHECK(test::BecomesReadable(client->here));
  }
  CHECK_EQ(bench.kernel.Wait(0), 2);
  CHECK_EQ(bench.received[0], static_cast<int32_t>(kSlotBytes));
  CHECK_EQ(bench.received[1], static_cast<int32_t>(kSlotBytes));
  CHECK_EQ(bench.kernel.Recv(first.here, 0, 64), 10);
}

TEST(KernelWaitTellsOfTheEndAndLeavesErrorsToRecv) {
  Bench bench;
  int fd = -1;
  {
    const Client client(&bench);
    fd = client.here;
    CHECK(bench.kernel.Add(fd, kBoth | kAhead) > 0);
  }
  CHECK(test::BecomesReadable(fd));
  CHECK_EQ(bench.kernel.Wait(0), 1);
  CHECK_EQ(bench.received[0], 0);
  CHECK(bench.events[0].readiness & kHangup);
  const Client reset(&bench);
  CHECK(bench.kernel.Add(reset.here, kBoth | kAhead) > 0);
  ResetOnClose(reset.there);
  Close(reset.there);
  CHECK(test::BecomesReadable(reset.here));
  CHECK_EQ(bench.kernel.Wait(0), 1);
  CHECK(bench.events[0].readiness & kFailed);
  CHECK_EQ(bench.received[0], kNotReceived);
  CHECK_EQ(bench.kernel.Recv(reset.here, 0, 1), -ECONNRESET);
}

namespace {

Order Piece(int fd, uint32_t offset, uint32_t length) {
  Order order = {};
  order.fd = fd;
  order.offset = offset;
  order.length = length;
  return order;
}

}  // namespace

TEST(KernelCarriesOutEveryOrder) {
  Bench bench;
  const Client first(&bench);
  const Client second(&bench);
  std::memcpy(bench.output.data(), "onetwo", 6);
  bench.orders = {Piece(first.here, 0, 3), Piece(second.here, 3, 3), Piece(-1, 0, 1),
                  Piece(first.here, 1, kOutputBytes)};
  CHECK_EQ(bench.kernel.SendAll(kOrders), 0);
  CHECK_EQ(bench.orders[0].result, 3);
  CHECK_EQ(bench.orders[1].result, 3);
  CHECK_EQ(bench.orders[2].result, -EBADF);
  CHECK_EQ(bench.orders[3].result, -EINVAL);
  CHECK_EQ(test::ReadText(first.there, 3), std::string("one"));
  CHECK_EQ(test::ReadText(second.there, 3), std::string("two"));
  CHECK_EQ(bench.Count(kSends), 2.0);
  CHECK_EQ(bench.kernel.SendAll(kOrders + 1), -EINVAL);
  CHECK_EQ(bench.kernel.SendAll(-1), -EINVAL);
  bench.orders[0] = Piece(first.here, kHuge, kHuge);
  CHECK_EQ(bench.kernel.SendAll(1), 0);
  CHECK_EQ(bench.orders[0].result, -EINVAL);
}

TEST(KernelSendsAFileBehindAPiece) {
  Bench bench;
  const Client client(&bench);
  FILE* file = tmpfile();
  CHECK(file != nullptr);
  CHECK_EQ(write(fileno(file), "0123456789", 10), 10);
  std::memcpy(bench.output.data(), "head", 4);
  Order order = Piece(client.here, 0, 4);
  order.file = fileno(file);
  order.position_low = 7;
  order.count = 5;
  bench.orders[0] = order;
  CHECK_EQ(bench.kernel.SendAll(1), 0);
  CHECK_EQ(bench.orders[0].result, 4);
  CHECK_EQ(bench.orders[0].taken, 3u);
  CHECK_EQ(bench.orders[0].status, -ENODATA);
  CHECK_EQ(test::ReadText(client.there, 7), std::string("head789"));
  CHECK_EQ(bench.Count(kBytesSent), 7.0);
  CHECK_EQ(bench.kernel.Find(client.here)->bytes_sent, 7u);
  bench.orders[0].position_high = -1;
  bench.orders[0].length = 0;
  CHECK_EQ(bench.kernel.SendAll(1), 0);
  CHECK_EQ(bench.orders[0].taken, 0u);
  CHECK_EQ(bench.orders[0].status, -EINVAL);
  fclose(file);
}

}  // namespace epoll_server
