// Tests TLS over the kernel with wire bytes that are cut, changed or withheld. Where this machine
// has no OpenSSL, each test ends at once: the tests in TypeScript use that of Node.js.
#include "tls.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "harness.h"
#include "kernel_bench.h"
#include "loopback.h"
#include "raw_records.h"
#include "socket_faults.h"
#include "tls_client.h"

namespace epoll_server {

using test::Bench;
using test::LoadOpenSsl;
using test::MakeTlsKind;
using test::TlsClient;

namespace {

constexpr int kFewRounds = 200;

std::string Letters(size_t count) {
  std::string letters;
  for (size_t i = 0; i < count; ++i) letters += static_cast<char>('a' + i % 26);
  return letters;
}

uint64_t Failures(const TlsKind& kind) {
  uint64_t sum = 0;
  for (const uint64_t count : kind.shared()->counters.failures) sum += count;
  return sum;
}

// A number for tests that change bytes: the same ones in each run.
class Random {
 public:
  explicit Random(uint32_t seed) : state_(seed | 1) {}
  uint32_t Below(uint32_t bound) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_ % bound;
  }

 private:
  uint32_t state_;
};

// The next record of the client asks for new keys in both directions.
void AskForKeys(TlsClient* client) {
  OPENSSL_FUNCTION(SSL_key_update)(client->ssl(), SSL_KEY_UPDATE_REQUESTED);
  client->ContinueHandshake();
}

}  // namespace

TEST_EACH_BACK_END(TlsPassesBytesHoweverTheyAreCut) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  for (const auto& [piece, version] : {std::pair(1, TLS1_3_VERSION),
                                       {7, TLS1_3_VERSION},
                                       {65536, TLS1_3_VERSION},
                                       {1, TLS1_2_VERSION},
                                       {65536, TLS1_2_VERSION}}) {
    Bench bench(back_end);
    TlsClient client(&bench, kind.get());
    client.SpeakAtMost(version);
    client.Handshake(static_cast<size_t>(piece));
    CHECK_EQ(bench.kernel.IsNegotiated(client.here), 1);
    CHECK_EQ(bench.kernel.Negotiated(client.here).version,
             std::string(version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2"));
    const std::string text = Letters(1000);
    client.Encrypt(text);
    client.Encrypt("end");
    CHECK_EQ(client.Deliver(client.TakeWire(), static_cast<size_t>(piece)), text + "end");
    CHECK_EQ(bench.kernel.Find(client.here)->bytes_received, text.size() + 3);
    CHECK_EQ(bench.kernel.Send(client.here, 0, 0, test::BytesOf(text), text.size()), 1000);
    CHECK(test::BecomesReadable(client.there));
    std::string answer;
    while (answer.size() < text.size() && client.ReceiveWire() > 0) answer += client.Decrypt();
    CHECK_EQ(answer, text);
  }
  CHECK_EQ(kind->shared()->counters.handshakes, 5u);
  CHECK_EQ(Failures(*kind), 0u);
}

TEST_EACH_BACK_END(TlsCountsWhatTheSocketAcceptedAndEndsWithCloseNotify) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  Bench bench(back_end);
  TlsClient client(&bench, kind.get(), 4096);
  client.Handshake();
  const std::string text = Letters(60000);
  Random random(7);
  std::string received;
  size_t sent = 0;
  int refused = 0;
  for (int rounds = 0; rounds < 100000 && received.size() < text.size(); ++rounds) {
    // The caller passes the same bytes again, but not always as many.
    const size_t length = std::min<size_t>(text.size() - sent, 1 + random.Below(40000));
    const int count = bench.kernel.Send(client.here, 0, 0, test::BytesOf(text) + sent, length);
    if (count < 0) {
      CHECK_EQ(count, -EAGAIN);
      ++refused;
    } else {
      sent += static_cast<size_t>(count);
    }
    CHECK_EQ(bench.kernel.Find(client.here)->bytes_sent, sent);
    // 0: all is sent, and the rest is on its way.
    if (client.ReceiveWire(1 + random.Below(5000)) < 0 && count <= 0) {
      CHECK(test::BecomesReadable(client.there));
    }
    for (std::string bytes = client.Decrypt(); !bytes.empty(); bytes = client.Decrypt()) {
      received += bytes;
    }
    bench.kernel.Wait(0);
  }
  CHECK(refused > 0);
  CHECK(received == text);
  CHECK_EQ(sent, text.size());
  CHECK(bench.kernel.ShutdownWrite(client.here) >= 0);
  CHECK_EQ(bench.kernel.Send(client.here, 0, 0, test::BytesOf(text), 1), -EPIPE);
  while (client.ReceiveWire() != 0) {
    client.Decrypt();
    bench.kernel.Wait(0);
    CHECK(test::BecomesReadable(client.there));
  }
  CHECK(client.HasCloseNotify());
  // Receiving still works, and nothing is answered any more.
  AskForKeys(&client);
  client.Encrypt("more");
  CHECK_EQ(client.Deliver(client.TakeWire(), 65536), std::string("more"));
  client.Deliver("not a record", 65536);
  int status = 0;
  client.Receive(&status);
  CHECK_EQ(status, -EPROTO);
}

TEST_EACH_BACK_END(TlsEndsAtEveryByteOfTheHandshakeAndOfARequest) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  for (size_t cut = 0;; cut += 37) {
    Bench bench(back_end);
    TlsClient client(&bench, kind.get());
    size_t left = cut;
    int status = -EAGAIN;
    std::string received;
    for (int flight = 0; flight < 3; ++flight) {
      const bool is_over = client.ContinueHandshake();
      if (is_over && flight > 0) client.Encrypt("GET / HTTP/1.1");
      const std::string wire = client.TakeWire().substr(0, left);
      left -= wire.size();
      test::WriteText(client.there, wire);
      if (!wire.empty()) CHECK(test::BecomesReadable(client.here));
      if (left == 0 || is_over) break;
      received += client.Receive(&status);
      client.ReceiveWire();
    }
    // Sometimes the end comes with the last bytes, sometimes later.
    if (cut % 2 == 0) received += client.Receive(&status);
    shutdown(client.there, SHUT_WR);
    for (int waits = 0; waits < 1000 && status == -EAGAIN; ++waits) {
      CHECK(test::BecomesReadable(client.here));
      received += client.Receive(&status);
    }
    CHECK_EQ(status, cut == 0 ? 0 : -ECONNRESET);
    CHECK(received.empty() || received == "GET / HTTP/1.1");
    if (left > 0) return;
  }
}

TEST_EACH_BACK_END(TlsBeginsFewHandshakesInOneWait) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  Bench bench(back_end);
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(std::make_unique<TlsClient>(&bench, kind.get()));
    TlsClient& client = *clients.back();
    client.ContinueHandshake();
    test::WriteText(client.there, client.TakeWire());
    CHECK(test::BecomesReadable(client.here));
  }
  bench.kernel.Wait(0);
  for (const auto& client : clients) {
    CHECK_EQ(bench.kernel.Recv(client->here, 0, test::kReceiveBytes), -EAGAIN);
  }
  CHECK_EQ(kind->shared()->handshake_steps, kHandshakeStepsPerWait);
  CHECK(bench.kernel.holds_input());
  for (const auto& client : clients) {
    for (int rounds = 0; rounds < 100 && !client->ContinueHandshake(); ++rounds) {
      int status = 0;
      client->Receive(&status);
      test::WriteText(client->there, client->TakeWire());
      client->ReceiveWire();
    }
    test::WriteText(client->there, client->TakeWire());
    int status = 0;
    CHECK(test::BecomesReadable(client->here));
    client->Receive(&status);
  }
  CHECK_EQ(kind->shared()->counters.handshakes, 12u);
}

// Clients that keep coming must not overtake one that waits, which is closed if it waits longest.
TEST_EACH_BACK_END(TlsBeginsFirstTheHandshakesThatWereDeferred) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  Bench bench(back_end, 8 * kHandshakeStepsPerWait);
  std::vector<std::unique_ptr<TlsClient>> clients;
  const auto come = [&](int count) {
    for (int i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<TlsClient>(&bench, kind.get()));
      TlsClient& client = *clients.back();
      CHECK_EQ(bench.kernel.Prefetch(client.here, 1), 0);
      client.ContinueHandshake();
      test::WriteText(client.there, client.TakeWire());
      CHECK(test::BecomesReadable(client.here));
    }
  };
  const auto waiting = [&](size_t first) {
    size_t count = first;
    char byte;
    for (size_t i = 0; i < first; ++i) {
      if (recv(clients[i]->there, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1) --count;
    }
    return count;
  };
  constexpr size_t kFirst = 2 * kHandshakeStepsPerWait + 1;
  come(kFirst);
  for (const size_t left : {kFirst - kHandshakeStepsPerWait, size_t{1}, size_t{0}}) {
    bench.kernel.Wait(0);
    CHECK_EQ(kind->shared()->handshake_steps, kHandshakeStepsPerWait);
    CHECK_EQ(waiting(kFirst), left);
    come(kHandshakeStepsPerWait);
  }
  for (int waits = 0; waits < 10; ++waits) bench.kernel.Wait(0);
  CHECK_EQ(waiting(clients.size()), 0u);
  CHECK(!bench.kernel.holds_input());
}

// After the ClientHello, the key exchange of TLS 1.2 and a certificate of the client cost as much.
TEST_EACH_BACK_END(TlsFinishesFewHandshakesInOneWaitWhereThatUsesPublicKeys) {
  if (LoadOpenSsl() == nullptr) return;
  constexpr size_t kClients = 2 * kHandshakeStepsPerWait + 1;
  for (const auto& [version, has_certificate] : {std::pair(TLS1_3_VERSION, true),
                                                 {TLS1_3_VERSION, false},
                                                 {TLS1_2_VERSION, true},
                                                 {TLS1_2_VERSION, false}}) {
    TlsEntry entry;
    entry.requests_certificate = has_certificate;
    entry.rejects_unauthorized = false;
    const std::unique_ptr<TlsKind> kind = MakeTlsKind(entry);
    Bench bench(back_end, 4 * kClients);
    std::vector<std::unique_ptr<TlsClient>> clients;
    for (size_t i = 0; i < kClients; ++i) {
      clients.push_back(std::make_unique<TlsClient>(&bench, kind.get()));
      TlsClient& client = *clients.back();
      CHECK_EQ(bench.kernel.Prefetch(client.here, 1), 0);
      client.SpeakAtMost(version);
      if (has_certificate) client.UsePair(test::OwnPair());
      client.ContinueHandshake();
      client.Deliver(client.TakeWire(), 65536);
      CHECK(client.ReceiveWire() > 0);
      client.ContinueHandshake();
    }
    // A part of a message costs no step.
    std::vector<std::string> wires;
    for (const auto& client : clients) {
      wires.push_back(client->TakeWire());
      client->Deliver(wires.back().substr(0, 20), 1);
    }
    for (size_t i = 0; i < kClients; ++i) {
      test::WriteText(clients[i]->there, wires[i].substr(20));
      CHECK(test::BecomesReadable(clients[i]->here));
    }
    const bool uses_keys = has_certificate || version == TLS1_2_VERSION;
    const size_t per_wait = uses_keys ? kHandshakeStepsPerWait : kClients;
    for (size_t finished = per_wait;; finished += per_wait) {
      bench.kernel.Wait(0);
      const size_t wanted = std::min(finished, kClients);
      CHECK_EQ(kind->shared()->counters.handshakes, wanted);
      CHECK_EQ(bench.kernel.holds_input(), wanted < kClients);
      if (wanted == kClients) break;
    }
    CHECK_EQ(Failures(*kind), 0u);
  }
}

TEST(TlsSendsATicketWithTheFirstResponseOrWithoutOne) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  for (const bool has_request : {true, false}) {
    Bench bench("epoll");
    TlsClient client(&bench, kind.get());
    CHECK(!client.ContinueHandshake());
    client.Deliver(client.TakeWire(), 65536);
    CHECK(client.ReceiveWire() > 0);
    CHECK(client.ContinueHandshake());
    if (has_request) client.Encrypt("GET / HTTP/1.1");
    test::WriteText(client.there, client.TakeWire());
    CHECK(test::BecomesReadable(client.here));
    bench.kernel.Wait(0);
    CHECK_EQ(bench.kernel.Recv(client.here, 0, test::kReceiveBytes), has_request ? 14 : -EAGAIN);
    if (has_request) {
      CHECK_EQ(client.ReceiveWire(), -EAGAIN);
      const int calls = test::SendCalls();
      CHECK_EQ(bench.kernel.Send(client.here, 0, 0, test::BytesOf("HTTP"), 4), 4);
      CHECK_EQ(test::SendCalls(), calls + 1);
    }
    CHECK(test::BecomesReadable(client.there));
    CHECK(client.ReceiveWire() > 0);
    CHECK_EQ(client.Decrypt(), std::string(has_request ? "HTTP" : ""));
    CHECK(OPENSSL_FUNCTION(SSL_SESSION_is_resumable)(
        OPENSSL_FUNCTION(SSL_get_session)(client.ssl())));
  }
}

TEST_EACH_BACK_END(TlsPassesPlaintextAsItIs) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  Bench bench(back_end);
  TlsClient client(&bench, kind.get());
  CHECK_EQ(client.Deliver("GET / HTTP/1.1\r\n", 1), std::string("GET / HTTP/1.1\r\n"));
  CHECK_EQ(bench.kernel.IsNegotiated(client.here), 0);
  CHECK_EQ(bench.kernel.Send(client.here, 0, 0, test::BytesOf("HTTP"), 4), 4);
  CHECK_EQ(test::ReadText(client.there, 4), std::string("HTTP"));
  CHECK_EQ(kind->shared()->counters.failures[kFailedPlaintext], 1u);
  CHECK_EQ(bench.kernel.ShutdownWrite(client.here), 0);
  CHECK_EQ(test::ReadText(client.there, 1), std::string());
}

TEST(TlsReadsNoMoreWhileItsAnswersAreNotTaken) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  Bench bench("epoll");
  TlsClient client(&bench, kind.get(), 4096);
  client.Handshake();
  const std::string text(131072, 't');
  while (bench.kernel.Send(client.here, 0, 0, test::BytesOf(text), text.size()) > 0) continue;
  // Each request for new keys has to be answered (RFC 8446 section 4.6.3).
  size_t received = 0;
  size_t asked = 0;
  int status = -EAGAIN;
  for (; asked < 10000 && status == -EAGAIN; ++asked) {
    AskForKeys(&client);
    client.Encrypt("x");
    const std::string wire = client.TakeWire();
    if (send(client.there, wire.data(), wire.size(), MSG_DONTWAIT) < 0) break;
    received += client.Receive(&status).size();
  }
  CHECK_EQ(status, -EAGAIN);
  CHECK(received > 0 && received < asked);
  // What is pending has a bound. It is sent when the client reads.
  const double before = bench.kernel.WireSent(client.here);
  const Transport& transport = *bench.kernel.Find(client.here)->transport;
  while (transport.has_pending_output()) {
    while (client.ReceiveWire() > 0) continue;
    bench.kernel.Wait(0);
  }
  const double pending = bench.kernel.WireSent(client.here) - before;
  CHECK(pending > 131072 && pending <= 133120);
}

TEST(TlsWritesNothingBehindWhatItReturns) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  Bench bench("epoll");
  TlsClient client(&bench, kind.get());
  client.Handshake();
  test::RawRecords records(client.secret());
  const std::string padded = records.Seal("hello\x17" + std::string(100, '\0'));
  std::string changed = records.Seal("changed\x17");
  changed.back() = static_cast<char>(changed.back() ^ 1);
  Transport& transport = *bench.kernel.Find(client.here)->transport;
  const auto receive = [&](const std::string& wire, int* status) {
    test::WriteText(client.there, wire);
    CHECK(test::BecomesReadable(client.here));
    std::string bytes(1000, '.');
    *status = transport.Receive(reinterpret_cast<uint8_t*>(&bytes[0]), bytes.size());
    return bytes;
  };
  int status = 0;
  CHECK_EQ(receive(padded, &status), "hello" + std::string(995, '.'));
  CHECK_EQ(status, 5);
  CHECK_EQ(receive(changed, &status), std::string(1000, '.'));
  CHECK_EQ(status, -EPROTO);
}

TEST(TlsReadsABoundedNumberOfRecordsAtATime) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  Bench bench("epoll");
  TlsClient client(&bench, kind.get());
  client.Handshake();
  for (int i = 0; i < 600; ++i) client.Encrypt("x");
  test::WriteText(client.there, client.TakeWire());
  CHECK(test::BecomesReadable(client.here));
  Transport& transport = *bench.kernel.Find(client.here)->transport;
  std::vector<uint8_t> bytes(65536);
  std::vector<int> counts;
  do {
    counts.push_back(transport.Receive(bytes.data(), bytes.size()));
  } while (transport.holds_input() && counts.back() > 0);
  CHECK(counts == std::vector<int>({256, 256, 88}));
}

TEST(TlsEndsAConnectionThatAsksForKeysAndSendsNothing) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  Bench bench("epoll");
  TlsClient client(&bench, kind.get());
  client.Handshake();
  int status = -EAGAIN;
  const auto ask = [&](int times) {
    for (int i = 0; i < times && status == -EAGAIN; ++i) {
      AskForKeys(&client);
      test::WriteText(client.there, client.TakeWire());
      CHECK(test::BecomesReadable(client.here));
      CHECK(client.Receive(&status).empty());
      client.ReceiveWire();
      client.Decrypt();
    }
  };
  ask(30);
  CHECK_EQ(status, -EAGAIN);
  client.Encrypt("ping");
  CHECK_EQ(client.Deliver(client.TakeWire(), 65536), std::string("ping"));
  ask(40);
  CHECK_EQ(status, -EPROTO);
  // Only the end is left to send, and what still comes is discarded.
  CHECK_EQ(bench.kernel.ShutdownWrite(client.here), 0);
  test::WriteText(client.there, "more");
  CHECK(test::BecomesReadable(client.here));
  client.Receive(&status);
  CHECK(status >= 0 || status == -EAGAIN);
}

TEST(TlsPassesBytesWithEachVersionAndSuite) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  const std::string text = Letters(100000);
  for (const char* suite :
       {"", "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    const bool is_newest = *suite != '\0';
    Bench bench("epoll");
    TlsClient client(&bench, kind.get());
    if (is_newest) CHECK_EQ(OPENSSL_FUNCTION(SSL_set_ciphersuites)(client.ssl(), suite), 1);
    if (!is_newest) client.SpeakAtMost(TLS1_2_VERSION);
    client.Handshake();
    const NegotiatedTls negotiated = bench.kernel.Negotiated(client.here);
    CHECK_EQ(negotiated.version, std::string(is_newest ? "TLSv1.3" : "TLSv1.2"));
    if (is_newest) CHECK_EQ(negotiated.cipher, std::string(suite));
    for (int times = 0; times < 3; ++times) {
      if (is_newest) AskForKeys(&client);
      client.Encrypt(text);
      CHECK(client.Deliver(client.TakeWire(), 9999) == text);
      CHECK(client.ReceivesAll(text));
    }
  }
}

// A client without much memory may set a limit (RFC 6066 section 4). OpenSSL refuses longer ones.
TEST(TlsSendsRecordsAsShortAsTheClientWants) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  const std::string text = Letters(100000);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const int limit : {TLSEXT_max_fragment_length_512, TLSEXT_max_fragment_length_4096}) {
      Bench bench("epoll");
      TlsClient client(&bench, kind.get());
      client.SpeakAtMost(version);
      const auto set_limit = OPENSSL_FUNCTION(SSL_set_tlsext_max_fragment_length);
      CHECK_EQ(set_limit(client.ssl(), static_cast<uint8_t>(limit)), 1);
      client.Handshake();
      CHECK(client.ReceivesAll(text));
    }
  }
}

// What the client is told is why the connection ends (RFC 8446 section 6.2).
TEST(TlsAnswersWrongRecordsWithAnAlert) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  struct Case {
    std::string wire;  // or else `inner` in a record
    std::string inner;
    int alert;
  };
  const std::vector<Case> cases = {
      {std::string("\x17\x03\x03\0\x20", 5) + std::string(32, 'x'), "", SSL_AD_BAD_RECORD_MAC},
      {"\x17\x03\x03\x7f\xff", "", SSL_AD_RECORD_OVERFLOW},
      {std::string("\x14\x03\x03\0\x01\x01", 6), "", SSL_AD_UNEXPECTED_MESSAGE},
      {"GET / HTTP/1.1\r\n", "", SSL_AD_UNEXPECTED_MESSAGE},
      {"", "\x01\x16", SSL_AD_UNEXPECTED_MESSAGE},
      {"", std::string("\x18\0\0\x01\x02\x16", 6), SSL_AD_ILLEGAL_PARAMETER},
      {"", "\x01\x15", SSL_AD_DECODE_ERROR},
  };
  for (const Case& each : cases) {
    for (const size_t piece : {1, 65536}) {
      Bench bench("epoll");
      TlsClient client(&bench, kind.get());
      client.Handshake();
      std::string wire = each.wire;
      if (wire.empty()) wire = test::RawRecords(client.secret()).Seal(each.inner);
      CHECK_EQ(client.Deliver(wire, piece), std::string());
      int status = 0;
      client.Receive(&status);
      CHECK_EQ(status, -EPROTO);
      CHECK_EQ(bench.kernel.ShutdownWrite(client.here), 0);
      while (client.ReceiveWire() > 0) continue;
      CHECK_EQ(client.Decrypt(), std::string());
      const int reason = ERR_GET_REASON(OPENSSL_FUNCTION(ERR_peek_last_error)());
      CHECK_EQ(reason, SSL_AD_REASON_OFFSET + each.alert);
    }
  }
}

TEST(TlsSharesEntriesThatDidNotChange) {
  const auto make = [](const std::vector<std::string>& ids, const TlsContext* previous) {
    std::vector<TlsEntry> entries;
    for (const std::string& id : ids) {
      TlsEntry entry;
      entry.id = id;
      entry.pairs.push_back(test::MakePair("localhost"));
      entries.push_back(std::move(entry));
    }
    std::string problem;
    auto made = TlsContext::Make(*LoadOpenSsl(), std::move(entries), {}, previous, &problem);
    CHECK_EQ(problem, std::string());
    return made;
  };
  // The certificates of the default entry.
  const auto context_of = [](const TlsContext& context) {
    SSL* ssl = context.NewSsl();
    SSL_CTX* found = OPENSSL_FUNCTION(SSL_get_SSL_CTX)(ssl);
    OPENSSL_FUNCTION(SSL_free)(ssl);
    return found;
  };
  auto first = make({"a"}, nullptr);
  const auto second = make({"b", "a"}, first.get());
  const auto third = make({"a", "b"}, second.get());
  CHECK(context_of(*first) == context_of(*third));
  CHECK(context_of(*second) != context_of(*first));
  first.reset();
  CHECK(context_of(*third) != nullptr);
  const auto unknown = make({""}, nullptr);
  CHECK(context_of(*make({""}, unknown.get())) != context_of(*unknown));
}

// TLS_FUZZ_SECONDS: how long, with another TLS_FUZZ_SEED; without it a few rounds.
TEST(TlsSurvivesChangedBytes) {
  if (LoadOpenSsl() == nullptr) return;
  const std::unique_ptr<TlsKind> kind = MakeTlsKind();
  const char* seconds = getenv("TLS_FUZZ_SECONDS");
  const char* seed = getenv("TLS_FUZZ_SEED");
  const time_t end = time(nullptr) + (seconds == nullptr ? 0 : atoi(seconds));
  Random random(seed == nullptr ? 1 : static_cast<uint32_t>(atoi(seed)));
  int ended = 0;
  int rounds = 0;
  int records = 0;
  for (; rounds < kFewRounds || time(nullptr) < end; ++rounds) {
    Bench bench("epoll");
    TlsClient client(&bench, kind.get());
    const bool changes_handshake = random.Below(2) == 0;
    if (!changes_handshake) client.Handshake();
    int status = -EAGAIN;
    for (int flight = 0; flight < 4 && status == -EAGAIN; ++flight) {
      if (changes_handshake)
        client.ContinueHandshake();
      else
        client.Encrypt(Letters(1 + random.Below(2000)));
      std::string wire = client.TakeWire();
      const uint32_t changes = wire.empty() ? 0 : random.Below(4);
      for (uint32_t i = 0; i < changes; ++i) {
        const size_t at = random.Below(static_cast<uint32_t>(wire.size()));
        const uint32_t how = random.Below(4);
        if (how == 0) wire[at] = static_cast<char>(wire[at] ^ (1u << random.Below(8)));
        if (how == 1) wire[at] = static_cast<char>(random.Below(256));
        if (how == 2) wire.erase(at, 1 + random.Below(9));
        if (how == 3) wire.insert(at, std::string(1 + random.Below(9), 'x'));
        if (wire.empty()) break;
      }
      if (wire.empty()) break;
      ++records;
      test::WriteText(client.there, wire);
      CHECK(test::BecomesReadable(client.here));
      client.Receive(&status);
      bench.kernel.Send(client.here, 0, 0, test::BytesOf("answer"), 6);
      client.ReceiveWire();
      client.Decrypt();
    }
    if (status != -EAGAIN) ++ended;
    if (random.Below(2) == 0) bench.kernel.ShutdownWrite(client.here);
  }
  CHECK(ended > rounds / 4);
  if (seconds != nullptr) printf("    %d connections, %d records or flights\n", rounds, records);
}

}  // namespace epoll_server
