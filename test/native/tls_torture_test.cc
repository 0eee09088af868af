// Tests TLS on sockets that fail, with clients that leave, and without memory.
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "harness.h"
#include "kernel_bench.h"
#include "loopback.h"
#include "socket_faults.h"
#include "tls.h"
#include "tls_client.h"

namespace epoll_server {

using test::Bench;
using test::LoadOpenSsl;
using test::MakeTlsKind;
using test::SocketFaults;
using test::TlsClient;

namespace {

constexpr size_t kRecordHeadBytes = 5;

constexpr uint32_t kSeeds = 40;

std::string Digits(size_t count) {
  std::string digits;
  for (size_t i = 0; i < count; ++i) digits += static_cast<char>('0' + i % 10);
  return digits;
}

// The whole records at the beginning of `wire`, at most `most`, which is counted down.
std::string FirstRecords(const std::string& wire, size_t* most) {
  size_t end = 0;
  for (; *most > 0 && end + kRecordHeadBytes <= wire.size(); --*most) {
    const auto byte = [&](size_t at) { return static_cast<uint8_t>(wire[end + at]); };
    end += kRecordHeadBytes + static_cast<size_t>(byte(3) << 8 | byte(4));
  }
  return wire.substr(0, end);
}

// Whether a connection passes bytes in both directions.
bool Echoes(Bench* bench, TlsClient* client) {
  client->Encrypt("ping");
  if (client->Deliver(client->TakeWire(), 65536) != "ping") return false;
  if (bench->kernel.Send(client->here, 0, 0, test::BytesOf("pong"), 4) != 4) return false;
  if (!test::BecomesReadable(client->there)) return false;
  std::string answer;
  while (answer.empty() && client->ReceiveWire() > 0) answer = client->Decrypt();
  return answer == "pong";
}

}  // namespace

TEST(TlsPassesBytesThroughASocketThatFails) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  const std::string text = Digits(3000);
  for (uint32_t seed = 1; seed <= kSeeds; ++seed) {
    Bench bench;
    TlsClient client(&bench, kind.get());
    Transport& transport = *bench.kernel.Find(client.here)->transport;
    const SocketFaults faults(client.here, seed);
    std::string received;
    std::string answer;
    size_t sent = 0;
    bool has_asked = false;
    for (int calls = 0; calls < 100000 && !client.HasCloseNotify(); ++calls) {
      if (client.ContinueHandshake() && !has_asked) {
        client.Encrypt(text);
        has_asked = true;
      }
      test::WriteText(client.there, client.TakeWire());
      // The events of this socket say nothing: each call is made in any case.
      bench.kernel.Wait(0);
      transport.Report(test::kBoth);
      uint8_t bytes[700];
      const int count = transport.Receive(bytes, sizeof(bytes));
      if (count < 0) CHECK_EQ(count, -EAGAIN);
      if (count > 0) received.append(bytes, bytes + count);
      if (sent < text.size()) {
        const Bytes rest = {test::BytesOf(text) + sent, text.size() - sent};
        const int accepted = transport.Send(rest, {nullptr, 0}, false);
        if (accepted < 0) CHECK_EQ(accepted, -EAGAIN);
        if (accepted > 0) sent += static_cast<size_t>(accepted);
      } else if (received.size() == text.size()) {
        CHECK_EQ(transport.ShutdownWrite(), 0);
      }
      client.ReceiveWire();
      answer += client.Decrypt();
    }
    CHECK(received == text);
    CHECK(answer == text);
    CHECK(client.HasCloseNotify());
  }
}

TEST_EACH_BACK_END(TlsEndsAfterEachRecordWithFinAndRst) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  Bench bench(back_end);
  TlsClient other(&bench, kind.get());
  other.Handshake();
  for (const bool resets : {false, true}) {
    for (size_t records = 0;; ++records) {
      size_t left = records;
      int status = -EAGAIN;
      {
        TlsClient client(&bench, kind.get());
        for (int flight = 0; flight < 3; ++flight) {
          const bool is_over = client.ContinueHandshake();
          if (is_over) {
            client.Encrypt("GET / HTTP/1.1");
            client.Encrypt("Host: a");
          }
          const std::string wire = FirstRecords(client.TakeWire(), &left);
          test::WriteText(client.there, wire);
          if (!wire.empty()) CHECK(test::BecomesReadable(client.here));
          if (left == 0 || is_over) break;
          client.Receive(&status);
          client.ReceiveWire();
        }
        if (resets) {
          const linger now = {1, 0};
          setsockopt(client.there, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
          Close(std::exchange(client.there, -1));
        } else {
          shutdown(client.there, SHUT_WR);
        }
        for (int waits = 0; waits < 1000 && status == -EAGAIN; ++waits) {
          CHECK(test::BecomesReadable(client.here));
          client.Receive(&status);
        }
        // The end before the first byte is that of a client that wants nothing.
        CHECK_EQ(status, records == 0 && !resets ? 0 : -ECONNRESET);
        if (records > 0) CHECK(bench.kernel.Send(client.here, 0, 0, test::BytesOf("x"), 1) < 0);
        CHECK_EQ(bench.kernel.Close(client.here), 0);
      }
      CHECK(Echoes(&bench, &other));
      if (left > 0) break;
    }
  }
}

TEST(TlsLosesOneConnectionWhenMemoryIsExhausted) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  Bench bench;
  TlsClient other(&bench, kind.get());
  other.Handshake();
  CHECK(Echoes(&bench, &other));
  const std::string text = Digits(100000);
  int ended = 0;
  int failing = 0;
  for (bool is_reached = true; is_reached; ++failing) {
    int left = failing;
    // Only the calls of the server fail.
    const auto with_faults = [&](auto call) {
      test::allocations_left = left;
      const auto result = call();
      left = std::exchange(test::allocations_left, -1);
      return result;
    };
    TlsClient client(&bench, kind.get(), 4096);
    int status = -EAGAIN;
    size_t sent = 0;
    for (int rounds = 0; rounds < 40 && status == -EAGAIN; ++rounds) {
      if (client.ContinueHandshake() && rounds < 4) client.Encrypt("GET / HTTP/1.1");
      test::WriteText(client.there, client.TakeWire());
      with_faults([&] { return client.Receive(&status); });
      // Much of it stays pending.
      const int count = with_faults([&] {
        const uint8_t* bytes = test::BytesOf(text) + sent;
        return bench.kernel.Send(client.here, 0, 0, bytes, text.size() - sent);
      });
      if (count > 0) sent += static_cast<size_t>(count);
      if (count < 0 && count != -EAGAIN) status = count;
      client.ReceiveWire();
      client.Decrypt();
    }
    with_faults([&] { return bench.kernel.ShutdownWrite(client.here); });
    if (status != -EAGAIN) ++ended;
    CHECK_EQ(with_faults([&] { return bench.kernel.Close(client.here); }), 0);
    CHECK(Echoes(&bench, &other));
    is_reached = left < 0;
  }
  // The others happen where OpenSSL can do without.
  CHECK(ended > failing / 2);
}

}  // namespace epoll_server
