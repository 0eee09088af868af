// Tests the calls of the kernel: the bounds of the shared memory, the counters, and the end.
#include "kernel.h"

#include <sys/socket.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <string>

#include "harness.h"
#include "kernel_bench.h"
#include "loopback.h"

namespace epoll_server {

using test::Bench;
using test::BytesOf;
using test::Client;
using test::kBoth;
using test::kEvents;
using test::kHuge;
using test::kOutputBytes;
using test::kReceiveBytes;

TEST(KernelCarriesBytesBothWays) {
  Bench bench;
  const Client client(&bench);
  test::WriteText(client.there, "question");
  CHECK(test::BecomesReadable(client.here));
  CHECK_EQ(bench.kernel.Recv(client.here, 0, kReceiveBytes), 8);
  CHECK(std::memcmp(bench.input.data(), "question", 8) == 0);
  std::memcpy(bench.output.data(), "answer", 6);
  CHECK_EQ(bench.kernel.Send(client.here, 0, 6, nullptr, 0), 6);
  CHECK_EQ(bench.kernel.Send(client.here, 0, 0, BytesOf(", more"), 6), 6);
  CHECK_EQ(bench.kernel.Send(client.here, 0, 6, BytesOf("!"), 1), 7);
  CHECK_EQ(test::ReadText(client.there, 19), std::string("answer, moreanswer!"));
}

TEST(KernelReceivesIntoTheGivenRange) {
  Bench bench;
  const Client client(&bench);
  test::WriteText(client.there, "abcdef");
  CHECK(test::BecomesReadable(client.here));
  CHECK_EQ(bench.kernel.Recv(client.here, kReceiveBytes - 2, 2), 2);
  CHECK_EQ(bench.input[kReceiveBytes - 2], 'a');
  CHECK_EQ(bench.input[kReceiveBytes - 1], 'b');
  CHECK_EQ(bench.kernel.Recv(client.here, 10, 4), 4);
  CHECK_EQ(bench.input[10], 'c');
  CHECK_EQ(bench.input[9], 0);
}

TEST(KernelKeepsWithinTheInputArena) {
  Bench bench;
  const Client client(&bench);
  test::WriteText(client.there, "x");
  CHECK(test::BecomesReadable(client.here));
  const uint32_t wrong[][2] = {
      {0, kReceiveBytes + 1}, {1, kReceiveBytes}, {kReceiveBytes + 1, 0}, {kHuge, 1}, {1, kHuge},
      {kHuge, kHuge}};
  for (const auto& [offset, length] : wrong) {
    CHECK_EQ(bench.kernel.Recv(client.here, offset, length), -EINVAL);
  }
  CHECK_EQ(bench.Count(kReceives), 0.0);
  CHECK_EQ(bench.kernel.Recv(client.here, 0, kReceiveBytes), 1);  // no earlier call received it
}

TEST(KernelKeepsWithinTheOutputArena) {
  Bench bench;
  const Client client(&bench);
  const uint32_t wrong[][2] = {
      {0, kOutputBytes + 1}, {1, kOutputBytes}, {kOutputBytes + 1, 0}, {kHuge, 1}, {1, kHuge},
      {kHuge, kHuge}};
  for (const auto& [offset, length] : wrong) {
    CHECK_EQ(bench.kernel.Send(client.here, offset, length, nullptr, 0), -EINVAL);
    CHECK_EQ(bench.kernel.Send(client.here, offset, length, BytesOf("y"), 1), -EINVAL);
  }
  CHECK_EQ(bench.Count(kSends), 0.0);
  CHECK_EQ(bench.kernel.Send(client.here, 0, kOutputBytes, nullptr, 0),
           static_cast<int>(kOutputBytes));
  CHECK_EQ(bench.kernel.Send(client.here, kOutputBytes, 0, nullptr, 0), 0);
}

TEST(KernelCountsItsCalls) {
  Bench bench;
  const Client client(&bench);
  CHECK_EQ(bench.Count(kAccepts), 1.0);
  CHECK_EQ(bench.kernel.Accept(bench.listener), -EAGAIN);
  CHECK_EQ(bench.Count(kAccepts), 2.0);
  CHECK_EQ(bench.kernel.Add(client.here, kBoth), 1);
  CHECK_EQ(bench.kernel.Rearm(client.here, kBoth), 0);
  CHECK_EQ(bench.kernel.Remove(client.here), 0);
  CHECK_EQ(bench.Count(kRegistrations), 3.0);
  CHECK_EQ(bench.kernel.Recv(client.here, 0, 8), -EAGAIN);
  CHECK_EQ(bench.Count(kReceives), 1.0);
  CHECK_EQ(bench.Count(kBytesReceived), 0.0);
  test::WriteText(client.there, "12345");
  CHECK(test::BecomesReadable(client.here));
  bench.kernel.Recv(client.here, 0, 8);
  CHECK_EQ(bench.Count(kBytesReceived), 5.0);
  bench.kernel.Send(client.here, 0, 3, nullptr, 0);
  bench.kernel.Send(client.here, 0, 0, BytesOf("ab"), 2);
  bench.kernel.Send(client.here, 0, 3, BytesOf("ab"), 2);
  CHECK_EQ(bench.Count(kSends), 3.0);
  CHECK_EQ(bench.Count(kBytesSent), 10.0);
  CHECK_EQ(bench.kernel.Find(client.here)->bytes_received, 5u);
  CHECK_EQ(bench.kernel.Find(client.here)->bytes_sent, 10u);
  bench.kernel.Wait(0);
  CHECK_EQ(bench.Count(kWaits), 1.0);
}

TEST(KernelWaitsWithinTheEventArrayAndWritesTheTime) {
  Bench bench;
  std::vector<std::unique_ptr<Client>> clients;
  for (int32_t i = 0; i < kEvents + 2; ++i) {
    clients.push_back(std::make_unique<Client>(&bench));
    CHECK_EQ(bench.kernel.Add(clients.back()->here, kBoth), 1);
  }
  const double made = bench.Count(kNowMs);
  CHECK(made > 0);
  CHECK_EQ(bench.kernel.Wait(0), kEvents);
  CHECK_EQ(bench.kernel.Wait(0), 2);
  CHECK_EQ(bench.kernel.Wait(2), 0);
  CHECK(bench.Count(kNowMs) >= made + 2);
}

TEST(KernelPrewaitsForTheNextEntry) {
  Bench bench;
  CHECK_EQ(bench.Count(kPrewaited), kNotPrewaited);
  CHECK_EQ(bench.kernel.Prewait(), 0);
  CHECK_EQ(bench.Count(kPrewaited), 0.0);
  const Client client(&bench);
  CHECK_EQ(bench.kernel.Add(client.here, kBoth | kPrefetch), 1);
  test::WriteText(client.there, "abc");
  CHECK(test::BecomesReadable(client.here));
  CHECK_EQ(bench.kernel.Prewait(), 1);
  CHECK_EQ(bench.Count(kPrewaited), 1.0);
  CHECK_EQ(bench.events[0].fd, client.here);
  CHECK_EQ(bench.events[0].prefetched, 3);
  bench.kernel.Shutdown();
  CHECK_EQ(bench.kernel.Prewait(), -EBADF);
  CHECK_EQ(bench.Count(kPrewaited), kNotPrewaited);
}

TEST(KernelDistinguishesTheGenerationsOfADescriptor) {
  Bench bench;
  int fd = -1;
  int32_t generation = 0;
  for (int life = 0; life < 3; ++life) {
    const Client client(&bench);
    if (fd < 0) fd = client.here;
    CHECK_EQ(client.here, fd);  // the lowest free number is reused
    const int32_t next = bench.kernel.Add(fd, kBoth);
    CHECK_EQ(next, generation + 1);
    generation = next;
    CHECK_EQ(bench.kernel.Wait(0), 1);
    CHECK_EQ(bench.events[0].generation, generation);
    CHECK_EQ(bench.kernel.Find(fd)->bytes_sent, 0u);
    bench.kernel.Send(fd, 0, 1, nullptr, 0);
    CHECK_EQ(bench.kernel.Close(fd), 0);
  }
}

TEST(KernelKnowsBothAddresses) {
  Bench bench;
  const Client client(&bench);
  Address there = {};
  LocalAddress(client.there, &there);
  CHECK_EQ(bench.kernel.Peer(client.here).Text(), std::string("127.0.0.1"));
  CHECK_EQ(bench.kernel.Peer(client.here).port, there.port);
  CHECK_EQ(bench.kernel.Local(client.here).port, bench.kernel.Local(bench.listener).port);
  CHECK_EQ(bench.kernel.Peer(bench.listener).Text(), std::string(""));
  CHECK_EQ(bench.kernel.Peer(-1).Text(), std::string(""));
  CHECK_EQ(bench.kernel.Local(-1).Text(), std::string(""));
}

TEST(KernelCountsBothPartsOfAShortSend) {
  Bench bench;
  const Client client(&bench);
  const std::vector<uint8_t> megabytes(64 << 20, 'z');
  const int count = bench.kernel.Send(client.here, 0, 10, megabytes.data(), megabytes.size());
  CHECK(count > 10);
  CHECK(static_cast<size_t>(count) < megabytes.size());
  CHECK_EQ(bench.kernel.Send(client.here, 0, 10, megabytes.data(), megabytes.size()), -EAGAIN);
  CHECK_EQ(bench.kernel.Find(client.here)->bytes_sent, static_cast<uint64_t>(count));
}

TEST(KernelRefusesDescriptorsThatAreNotItsOwn) {
  Bench bench;
  for (const int fd : {-1, 0, 1, 2, 1 << 20, INT_MAX, INT_MIN}) {
    CHECK_EQ(bench.kernel.Add(fd, kBoth), -EBADF);
    CHECK_EQ(bench.kernel.Rearm(fd, kBoth), -ENOENT);
    CHECK_EQ(bench.kernel.Remove(fd), -ENOENT);
    CHECK_EQ(bench.kernel.Accept(fd), -EBADF);
    CHECK_EQ(bench.kernel.Recv(fd, 0, 1), -EBADF);
    CHECK_EQ(bench.kernel.Send(fd, 0, 1, nullptr, 0), -EBADF);
    CHECK_EQ(bench.kernel.Send(fd, 0, 0, BytesOf("x"), 1), -EBADF);
    CHECK_EQ(bench.kernel.Send(fd, 0, 1, BytesOf("x"), 1), -EBADF);
    CHECK_EQ(bench.kernel.ShutdownWrite(fd), -EBADF);
    CHECK_EQ(bench.kernel.Reset(fd), -EBADF);
    CHECK_EQ(bench.kernel.Close(fd), -EBADF);
  }
}

TEST(KernelClosesOnce) {
  Bench bench;
  const Client client(&bench);
  CHECK_EQ(bench.kernel.Close(client.here), 0);
  CHECK_EQ(bench.kernel.Close(client.here), -EBADF);
  CHECK_EQ(bench.kernel.Recv(client.here, 0, 1), -EBADF);
  CHECK_EQ(test::ReadText(client.there, 1), std::string(""));
}

TEST(KernelShutdownClosesEverything) {
  const int before = test::OpenDescriptorCount();
  Bench bench;
  const Client first(&bench);
  const Client second(&bench);
  bench.kernel.Add(bench.listener, kReadable);
  bench.kernel.Add(first.here, kBoth);
  bench.kernel.Shutdown();
  CHECK_EQ(test::OpenDescriptorCount(), before + 2);  // the two clients' own ends
  CHECK_EQ(test::ReadText(first.there, 1), std::string(""));
  CHECK_EQ(test::ReadText(second.there, 1), std::string(""));
  bench.kernel.Shutdown();
  CHECK_EQ(test::OpenDescriptorCount(), before + 2);
}

TEST(KernelAnswersEveryCallAfterShutdownWithEbadf) {
  Bench bench;
  const Client client(&bench);
  bench.kernel.Shutdown();
  CHECK(bench.kernel.poller() == nullptr);
  CHECK_EQ(bench.kernel.Wait(0), -EBADF);
  CHECK_EQ(bench.kernel.SendBatch(1), -EBADF);
  CHECK_EQ(bench.kernel.Listen("127.0.0.1", 0, 1), -EBADF);
  for (const int fd : {client.here, bench.listener, -1}) {
    CHECK_EQ(bench.kernel.Add(fd, kBoth), -EBADF);
    CHECK_EQ(bench.kernel.Rearm(fd, kBoth), -EBADF);
    CHECK_EQ(bench.kernel.Remove(fd), -EBADF);
    CHECK_EQ(bench.kernel.Accept(fd), -EBADF);
    CHECK_EQ(bench.kernel.Recv(fd, 0, 1), -EBADF);
    CHECK_EQ(bench.kernel.Send(fd, 0, 1, nullptr, 0), -EBADF);
    CHECK_EQ(bench.kernel.Send(fd, 0, 0, BytesOf("x"), 1), -EBADF);
    CHECK_EQ(bench.kernel.Send(fd, 0, 1, BytesOf("x"), 1), -EBADF);
    CHECK_EQ(bench.kernel.ShutdownWrite(fd), -EBADF);
    CHECK_EQ(bench.kernel.Reset(fd), -EBADF);
    CHECK_EQ(bench.kernel.Close(fd), -EBADF);
    CHECK(bench.kernel.Find(fd) == nullptr);
  }
}

TEST(KernelDestructorClosesEverythingToo) {
  const int before = test::OpenDescriptorCount();
  {
    Bench bench;
    const Client client(&bench);
    CHECK(test::OpenDescriptorCount() > before);
  }
  CHECK_EQ(test::OpenDescriptorCount(), before);
}

}  // namespace epoll_server
