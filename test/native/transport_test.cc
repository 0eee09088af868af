// Tests the kernel over a transport, sentence by sentence of native/transport.h, with the framed
// transport.
#include "transport.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "framed_client.h"
#include "framed_transport.h"
#include "harness.h"
#include "kernel_bench.h"
#include "loopback.h"

namespace epoll_server {

using test::Bench;
using test::Client;
using test::Data;
using test::Errno;
using test::Frame;
using test::FramedClient;
using test::FramedKind;
using test::FramedTransport;
using test::Hello;
using test::kBoth;
using test::kNothingYet;
using test::Letters;
using test::Repeated;

TEST_EACH_BACK_END(TransportIsDestroyedOnceWhateverEndsIt) {
  CHECK_EQ(FramedTransport::living, 0);
  {
    Bench bench(back_end);
    FramedClient closed(&bench);
    FramedClient left(&bench);
    FramedKind kind(0);
    CHECK_EQ(FramedTransport::living, 2);
    CHECK_EQ(bench.kernel.Attach(closed.here, &kind), -EEXIST);
    CHECK_EQ(bench.kernel.Attach(-1, &kind), -EBADF);
    const int next = test::ConnectTo("127.0.0.1", bench.kernel.Local(bench.listener).port);
    CHECK_EQ(bench.kernel.Close(closed.here), 0);
    CHECK_EQ(FramedTransport::living, 1);
    CHECK_EQ(bench.kernel.Close(closed.here), -EBADF);
    // The next generation of the descriptor uses the plain socket.
    CHECK_EQ(bench.kernel.Accept(bench.listener), closed.here);
    test::WriteText(next, "plain");
    CHECK(test::BecomesReadable(closed.here));
    CHECK_EQ(bench.kernel.Recv(closed.here, 0, 16), 5);
    CHECK_EQ(bench.kernel.Attach(closed.here, &kind), 0);
    CHECK_EQ(FramedTransport::living, 2);
    Close(next);
  }
  CHECK_EQ(FramedTransport::living, 0);
}

TEST_EACH_BACK_END(TransportPassesWholeFramesAndHoldsTheOthers) {
  Bench bench(back_end);
  FramedClient client(&bench);
  const std::string frame = Data("question");
  client.Write(frame.substr(0, 5));
  CHECK(client.Wait() & kReadable);
  CHECK_EQ(client.Receive(), kNothingYet);
  client.Write(frame.substr(5) + Data("more").substr(0, 4));
  CHECK(client.Wait() & kReadable);
  CHECK_EQ(client.Receive(), std::string("question"));
  CHECK_EQ(client.Receive(), kNothingYet);
  client.CheckSilent();
  CHECK_EQ(bench.kernel.Find(client.here)->bytes_received, 8u);
}

TEST_EACH_BACK_END(TransportHoldsUnreadBytesAndRearmReportsThem) {
  Bench bench(back_end);
  FramedClient client(&bench);
  client.Write(Data("abc") + Data("def"));
  CHECK(client.Wait() & kReadable);
  CHECK_EQ(client.Receive(4), std::string("abcd"));
  client.CheckSilent();
  CHECK_EQ(bench.kernel.Rearm(client.here, kReadable), 0);
  CHECK(bench.kernel.holds_input());
  CHECK(client.Wait() & kReadable);
  client.CheckSilent();
  CHECK_EQ(bench.kernel.Remove(client.here), 0);
  CHECK(bench.kernel.Add(client.here, kBoth) > 0);
  CHECK(client.Wait() & kReadable);
  CHECK_EQ(client.Receive(), std::string("ef"));
}

TEST_EACH_BACK_END(TransportHeldInputIsDroppedWithItsDescriptor) {
  Bench bench(back_end);
  FramedClient client(&bench);
  client.Write(Data("abc"));
  CHECK(client.Wait() & kReadable);
  CHECK_EQ(client.Receive(1), std::string("a"));
  CHECK_EQ(bench.kernel.Rearm(client.here, kReadable), 0);
  const int next = test::ConnectTo("127.0.0.1", bench.kernel.Local(bench.listener).port);
  CHECK_EQ(bench.kernel.Close(client.here), 0);
  CHECK_EQ(bench.kernel.Accept(bench.listener), client.here);
  CHECK(bench.kernel.Add(client.here, kBoth) > 0);
  client.CheckReadiness(kWritable);
  CHECK(!bench.kernel.holds_input());
  Close(next);
}

TEST_EACH_BACK_END(TransportThatStopsACallIsReportedAgain) {
  Bench bench(back_end);
  FramedClient client(&bench);
  std::string frames;
  for (int i = 0; i < test::kFramesPerCall + 8; ++i) frames += Data("");
  client.Write(frames + Data("at last"));
  CHECK(client.Wait() & kReadable);
  CHECK_EQ(client.Receive(), kNothingYet);
  CHECK(client.Wait() & kReadable);
  CHECK_EQ(client.Receive(), std::string("at last"));
  client.CheckSilent();
}

TEST_EACH_BACK_END(TransportReportsBytesThatItReceivedEarlier) {
  Bench bench(back_end);
  const Client client(&bench);
  test::WriteText(client.there, Hello() + Data("early"));
  CHECK(test::BecomesReadable(client.here));
  FramedKind kind(0);
  CHECK_EQ(bench.kernel.Attach(client.here, &kind), 0);
  CHECK(bench.kernel.Add(client.here, kBoth | kPrefetch) > 0);
  std::string received;
  for (int waits = 0; waits < 3 && received.empty(); ++waits) {
    const int count = bench.kernel.Wait(0);
    CHECK(count <= 1);
    if (count == 1 && bench.events[0].prefetched > 0) received = bench.Prefetched(0);
  }
  CHECK_EQ(received, std::string("early"));
}

TEST_EACH_BACK_END(TransportBeginsWithBytesThatWereReceivedBefore) {
  Bench bench(back_end);
  const Client client(&bench);
  CHECK(bench.kernel.Add(client.here, kBoth | kPrefetch) > 0);
  const std::string before = Hello() + Data("both").substr(0, 5);
  const Bytes received = {reinterpret_cast<const uint8_t*>(before.data()), before.size()};
  FramedKind kind(0);
  CHECK_EQ(bench.kernel.Attach(client.here, &kind, received), 0);
  test::WriteText(client.there, Data("both").substr(5));
  CHECK(test::BecomesReadable(client.here));
  std::string text;
  for (int waits = 0; waits < 3 && text.empty(); ++waits) {
    const int count = bench.kernel.Wait(0);
    for (int i = 0; i < count; ++i) {
      if (bench.events[static_cast<size_t>(i)].prefetched > 0) text = bench.Prefetched(i);
    }
  }
  CHECK_EQ(text, std::string("both"));
}

TEST_EACH_BACK_END(TransportPrefetchesHeldInput) {
  Bench bench(back_end);
  FramedClient client(&bench);
  CHECK_EQ(bench.kernel.Prefetch(client.here, 1), 0);
  client.Write(Data("ques") + Data("tion"));
  CHECK(client.Wait() & kReadable);
  CHECK_EQ(bench.events[0].prefetched, 8);
  CHECK_EQ(bench.Prefetched(0), std::string("question"));
}

TEST_EACH_BACK_END(TransportSendsNothingBeforeHello) {
  Bench bench(back_end);
  FramedClient client(&bench, false);
  client.CheckReadiness(kWritable);
  CHECK_EQ(bench.kernel.Send(client.here, 0, 0, test::BytesOf("early"), 5), -EAGAIN);
  client.CheckSilent();
  client.Write(Hello().substr(0, 2));
  client.Wait();
  CHECK_EQ(bench.kernel.Send(client.here, 0, 0, test::BytesOf("early"), 5), -EAGAIN);
  client.Write(Hello().substr(2));
  client.CheckReadiness(kBoth);
  CHECK_EQ(bench.kernel.Send(client.here, 0, 0, test::BytesOf("early"), 5), 5);
  CHECK_EQ(client.ReadData(5), std::string("early"));
}

TEST_EACH_BACK_END(TransportCountsAcceptedBytesAndEncodesThemOnce) {
  Bench bench(back_end);
  FramedClient client(&bench);
  const std::string bytes = Letters(26 * 4000);
  const size_t sent = client.Fill(bytes);
  CHECK(sent > 0);
  CHECK_EQ(sent % test::kMaxSentPayload, 0u);
  CHECK_EQ(bench.kernel.Find(client.here)->bytes_sent, sent);
  CHECK(bench.kernel.Find(client.here)->transport->wire_bytes_sent() > sent);
  // The cut frame arrives whole and once, though fewer of its bytes are passed first.
  CHECK(client.ReadData(sent).substr(0, sent) == Repeated(bytes, sent));
  while (bench.kernel.Send(client.here, 0, 0, test::BytesOf(bytes) + sent % bytes.size(), 10) < 0) {
    CHECK(test::BecomesReadable(client.there));
    client.Wait();
  }
}

TEST_EACH_BACK_END(TransportProgressIsMeasuredInWireBytes) {
  Bench bench(back_end);
  FramedClient client(&bench);
  const size_t sent = client.Fill(Letters(26 * 4000));
  const Connection* connection = bench.kernel.Find(client.here);
  CHECK(bench.kernel.Acknowledged(client.here) <
        static_cast<double>(connection->transport->wire_bytes_sent()));
  client.ReadData(sent);
  // The bytes that it has read are acknowledged, heads of frames included.
  CHECK(bench.kernel.Acknowledged(client.here) > static_cast<double>(sent));
  CHECK_EQ(bench.kernel.Acknowledged(-1), static_cast<double>(-EBADF));
}

TEST_EACH_BACK_END(TransportContinuesToReadWhenItsReplyIsSent) {
  Bench bench(back_end);
  FramedClient client(&bench);
  const std::string bytes = Letters(26 * 4000);
  const size_t sent = client.Fill(bytes);
  std::string frames;
  for (int i = 0; i < test::kFramesPerAck; ++i) frames += Data("x");
  client.Write(frames);
  CHECK(client.Wait() & kReadable);
  CHECK_EQ(client.Receive(), std::string("xxx"));
  CHECK_EQ(client.Receive(), kNothingYet);
  client.CheckSilent();
  // Room in the socket makes an event; the transport turns it into READABLE.
  std::string received = kNothingYet;
  for (size_t read = 0; received == kNothingYet && read < sent; read += 1000) {
    test::ReadText(client.there, 1000);
    if (client.Wait() & kReadable) received = client.Receive();
  }
  // On a busy machine the event comes a moment after the room.
  for (int tries = 0; received == kNothingYet && tries < 5'000; ++tries) {
    CHECK_EQ(poll(nullptr, 0, 1), 0);
    if (client.Wait() & kReadable) received = client.Receive();
  }
  CHECK_EQ(received, std::string("x"));
}

TEST_EACH_BACK_END(TransportErrorsAreFinal) {
  Bench bench(back_end);
  FramedClient client(&bench);
  client.Write(Data("good") + Frame(9));
  CHECK(client.Wait() & kReadable);
  CHECK_EQ(client.Receive(), std::string("good"));
  // No event of the socket would lead to the error behind the short count.
  CHECK(client.Wait() & kReadable);
  for (int i = 0; i < 2; ++i) CHECK_EQ(client.Receive(), Errno(EPROTO));
  CHECK_EQ(bench.kernel.Send(client.here, 0, 0, test::BytesOf("x"), 1), -EPROTO);
  CHECK_EQ(bench.kernel.ShutdownWrite(client.here), -EPROTO);
}

TEST_EACH_BACK_END(TransportReportsAnEndWithinAFrameAsReset) {
  for (const bool is_cut : {true, false}) {
    Bench bench(back_end);
    FramedClient client(&bench);
    const std::string frame = Data("question");
    client.Write(is_cut ? frame.substr(0, 6) : frame);
    shutdown(client.there, SHUT_WR);
    CHECK(client.Wait() & kReadable);
    if (!is_cut) CHECK_EQ(client.Receive(), std::string("question"));
    std::string end = client.Receive();
    for (int waits = 0; waits < 1000 && end == kNothingYet; ++waits) {
      client.Wait();
      end = client.Receive();
    }
    CHECK_EQ(end, is_cut ? Errno(ECONNRESET) : std::string());
    client.Wait();
    client.CheckSilent();
  }
}

TEST_EACH_BACK_END(TransportEndsTheStreamAfterPendingOutput) {
  Bench bench(back_end);
  FramedClient client(&bench);
  const std::string bytes = Letters(26 * 4000);
  const size_t sent = client.Fill(bytes);
  // Encoded bytes that were not counted are pending: they are sent before the end.
  CHECK_EQ(bench.kernel.ShutdownWrite(client.here), 1);
  CHECK_EQ(bench.kernel.Send(client.here, 0, 0, test::BytesOf(bytes), 1), -EPIPE);
  CHECK(client.ReadData(sent).substr(0, sent) == Repeated(bytes, sent));
  std::string rest;
  while (rest.size() < 3 || rest.substr(rest.size() - 3) != Frame(test::kEnd)) {
    client.Wait();
    const std::string more = test::ReadText(client.there, 1);
    if (more.empty()) break;
    rest += more;
  }
  CHECK(rest.substr(rest.size() - 3) == Frame(test::kEnd));
  CHECK_EQ(test::ReadText(client.there, 1), std::string());
  client.Write(Data("still"));
  CHECK(client.Wait() & kReadable);
  CHECK_EQ(client.Receive(), std::string("still"));
}

TEST_EACH_BACK_END(TransportCloseSendsTheEndUnlessItResets) {
  Bench bench(back_end);
  FramedClient client(&bench);
  CHECK_EQ(bench.kernel.Close(client.here), 0);
  CHECK(test::ReadText(client.there, 3) == Frame(test::kEnd));
  CHECK_EQ(test::ReadText(client.there, 1), std::string());
  FramedClient reset(&bench);
  CHECK_EQ(bench.kernel.Reset(reset.here), 0);
  CHECK_EQ(bench.kernel.Close(reset.here), 0);
  char byte = 0;
  CHECK_EQ(recv(reset.there, &byte, 1, 0), -1);
  CHECK_EQ(errno, ECONNRESET);
}

TEST_EACH_BACK_END(TransportSendsFilesInPieces) {
  Bench bench(back_end);
  FramedClient client(&bench);
  const std::string content = Letters(26 * 1000);
  FILE* file = tmpfile();
  CHECK(file != nullptr);
  CHECK_EQ(write(fileno(file), content.data(), content.size()),
           static_cast<ssize_t>(content.size()));
  std::memcpy(bench.output.data(), "head", 4);
  SendOp op = {};
  op.fd = client.here;
  op.length = 4;
  op.file = fileno(file);
  op.file_count = 30000;
  bench.send_ops[0] = op;
  std::string received;
  size_t sent = 0;
  for (int32_t status = -EAGAIN; status == -EAGAIN;) {
    CHECK_EQ(bench.kernel.SendBatch(1), 0);
    const SendOp& done = bench.send_ops[0];
    status = done.file_status;
    sent += done.file_sent;
    bench.send_ops[0].position_low = static_cast<uint32_t>(sent);
    bench.send_ops[0].length = 0;
    bench.send_ops[0].file_count = static_cast<uint32_t>(30000 - sent);
    if (status == -EAGAIN) received += client.ReadData(1);
    client.Wait();
  }
  CHECK_EQ(bench.send_ops[0].file_status, -ENODATA);
  CHECK_EQ(sent, content.size());
  while (received.size() < 4 + content.size()) received += client.ReadData(1);
  CHECK(received == "head" + content);
  fclose(file);
}

}  // namespace epoll_server
