// Tests the batches of the kernel: the prefetch for the events of a wait, and SendBatch.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "harness.h"
#include "kernel_bench.h"
#include "loopback.h"

namespace epoll_server {

using test::Bench;
using test::Client;
using test::kBoth;
using test::kEvents;
using test::kHuge;
using test::kOutputBytes;
using test::kReceiveBytes;
using test::kSendOps;

TEST(KernelWaitPrefetchesForItsEvents) {
  Bench bench;
  const Client client(&bench);
  CHECK(bench.kernel.Add(client.here, kBoth | kPrefetch) > 0);
  test::WriteText(client.there, "question");
  CHECK(test::BecomesReadable(client.here));
  CHECK_EQ(bench.kernel.Wait(0), 1);
  CHECK_EQ(bench.events[0].prefetched, 8);
  CHECK_EQ(bench.Prefetched(0), std::string("question"));
  CHECK_EQ(bench.Count(kReceives), 1.0);
  CHECK_EQ(bench.Count(kBytesReceived), 8.0);
  CHECK_EQ(bench.kernel.Find(client.here)->bytes_received, 8u);
}

TEST(KernelWaitPrefetchesOnRequestOnly) {
  Bench bench;
  const Client plain(&bench);
  const Client off(&bench);
  CHECK(bench.kernel.Add(plain.here, kBoth) > 0);
  CHECK(bench.kernel.Add(off.here, kBoth | kPrefetch) > 0);
  CHECK_EQ(bench.kernel.Prefetch(off.here, 0), 0);
  for (const Client* client : {&plain, &off}) {
    test::WriteText(client->there, "x");
    CHECK(test::BecomesReadable(client->here));
  }
  CHECK_EQ(bench.kernel.Wait(0), 2);
  CHECK_EQ(bench.events[0].prefetched, kNotPrefetched);
  CHECK_EQ(bench.events[1].prefetched, kNotPrefetched);
  CHECK_EQ(bench.kernel.Recv(plain.here, 0, 4), 1);
  CHECK_EQ(bench.kernel.Prefetch(off.here, 1), 0);
  test::WriteText(off.there, "y");
  CHECK(test::BecomesReadable(off.here));
  CHECK_EQ(bench.kernel.Wait(0), 1);
  CHECK_EQ(bench.events[0].prefetched, 2);
  CHECK_EQ(bench.kernel.Prefetch(-1, 1), -EBADF);
}

TEST(KernelWaitPrefetchesAtMostASlotEach) {
  Bench bench;
  const Client clients[kEvents] = {Client(&bench), Client(&bench), Client(&bench), Client(&bench)};
  std::map<int, std::string> sent;
  for (const Client& client : clients) {
    CHECK(bench.kernel.Add(client.here, kBoth | kPrefetch) > 0);
    const char letter = static_cast<char>('a' + sent.size());
    sent[client.here] = std::string(kPrefetchBytes, letter);
    test::WriteText(client.there, sent[client.here] + "0123456789");
    CHECK(test::BecomesReadable(client.here));
  }
  CHECK_EQ(bench.kernel.Wait(0), kEvents);
  for (size_t i = 0; i < kEvents; ++i) CHECK(bench.Prefetched(i) == sent[bench.events[i].fd]);
  for (uint32_t i = 0; i < kReceiveBytes; ++i) CHECK_EQ(bench.input[i], 0);
  for (const Client& client : clients) CHECK_EQ(bench.kernel.Recv(client.here, 0, 64), 10);
}

TEST(KernelWaitPrefetchesTheEndAndLeavesErrorsToRecv) {
  Bench bench;
  int fd = -1;
  {
    const Client client(&bench);
    fd = client.here;
    CHECK(bench.kernel.Add(fd, kBoth | kPrefetch) > 0);
  }
  CHECK(test::BecomesReadable(fd));
  CHECK_EQ(bench.kernel.Wait(0), 1);
  CHECK_EQ(bench.events[0].prefetched, 0);
  CHECK(bench.events[0].readiness & kHangup);
  const Client reset(&bench);
  CHECK(bench.kernel.Add(reset.here, kBoth | kPrefetch) > 0);
  ResetOnClose(reset.there);
  Close(reset.there);
  CHECK(test::BecomesReadable(reset.here));
  CHECK_EQ(bench.kernel.Wait(0), 1);
  CHECK(bench.events[0].readiness & kFailed);
  CHECK_EQ(bench.events[0].prefetched, kNotPrefetched);
  CHECK_EQ(bench.kernel.Recv(reset.here, 0, 1), -ECONNRESET);
}

namespace {

SendOp Piece(int fd, uint32_t offset, uint32_t length) {
  SendOp op = {};
  op.fd = fd;
  op.offset = offset;
  op.length = length;
  return op;
}

}  // namespace

TEST(KernelExecutesEverySendOfABatch) {
  Bench bench;
  const Client first(&bench);
  const Client second(&bench);
  std::memcpy(bench.output.data(), "onetwo", 6);
  bench.send_ops = {Piece(first.here, 0, 3), Piece(second.here, 3, 3), Piece(-1, 0, 1),
                    Piece(first.here, 1, kOutputBytes)};
  CHECK_EQ(bench.kernel.SendBatch(kSendOps), 0);
  CHECK_EQ(bench.send_ops[0].result, 3);
  CHECK_EQ(bench.send_ops[1].result, 3);
  CHECK_EQ(bench.send_ops[2].result, -EBADF);
  CHECK_EQ(bench.send_ops[3].result, -EINVAL);
  CHECK_EQ(test::ReadText(first.there, 3), std::string("one"));
  CHECK_EQ(test::ReadText(second.there, 3), std::string("two"));
  CHECK_EQ(bench.Count(kSends), 2.0);
  CHECK_EQ(bench.kernel.SendBatch(kSendOps + 1), -EINVAL);
  CHECK_EQ(bench.kernel.SendBatch(-1), -EINVAL);
  bench.send_ops[0] = Piece(first.here, kHuge, kHuge);
  CHECK_EQ(bench.kernel.SendBatch(1), 0);
  CHECK_EQ(bench.send_ops[0].result, -EINVAL);
}

TEST(KernelSendsAFileBehindAPiece) {
  Bench bench;
  const Client client(&bench);
  FILE* file = tmpfile();
  CHECK(file != nullptr);
  CHECK_EQ(write(fileno(file), "0123456789", 10), 10);
  std::memcpy(bench.output.data(), "head", 4);
  SendOp op = Piece(client.here, 0, 4);
  op.file = fileno(file);
  op.position_low = 7;
  op.file_count = 5;
  bench.send_ops[0] = op;
  CHECK_EQ(bench.kernel.SendBatch(1), 0);
  CHECK_EQ(bench.send_ops[0].result, 4);
  CHECK_EQ(bench.send_ops[0].file_sent, 3u);
  CHECK_EQ(bench.send_ops[0].file_status, -ENODATA);
  CHECK_EQ(test::ReadText(client.there, 7), std::string("head789"));
  CHECK_EQ(bench.Count(kBytesSent), 7.0);
  CHECK_EQ(bench.kernel.Find(client.here)->bytes_sent, 7u);
  bench.send_ops[0].position_high = -1;
  bench.send_ops[0].length = 0;
  CHECK_EQ(bench.kernel.SendBatch(1), 0);
  CHECK_EQ(bench.send_ops[0].file_sent, 0u);
  CHECK_EQ(bench.send_ops[0].file_status, -EINVAL);
  fclose(file);
}

}  // namespace epoll_server
